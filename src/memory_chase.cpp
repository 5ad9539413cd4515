// Dependent loads over a random cycle, and plain reading.
#include "src/memory_chase.hpp"

#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace numasio {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t line_bytes = 64;

struct link {
    const link* next;
};

}  // namespace

void link_lines(std::span<std::byte> memory) {
    const std::size_t lines = memory.size() / line_bytes;
    std::vector<std::uint32_t> order(lines);
    std::iota(order.begin(), order.end(), 0U);
    std::mt19937_64 random(42);  // the same cycle each time: figures can be compared
    // Sattolo's shuffle of the order gives one cycle through all of them.
    for (std::size_t i = lines; i > 1; --i) {
        std::swap(order[i - 1], order[std::uniform_int_distribution<std::size_t>(0, i - 1)(random)]);
    }
    const auto at = [&](std::uint32_t i) { return reinterpret_cast<link*>(memory.data() + i * line_bytes); };
    for (std::size_t i = 0; i < lines; ++i) { at(order[i])->next = at(order[(i + 1) % lines]); }
}

double chase(std::span<const std::byte> memory, std::chrono::nanoseconds time) noexcept {
    constexpr int loads = 2048;  // between two looks at the clock
    const link* at = reinterpret_cast<const link*>(memory.data());
    const auto run = [&](std::chrono::nanoseconds length) {
        std::uint64_t count = 0;
        const auto start = clock::now();
        auto now = start;
        for (; now - start < length; now = clock::now(), count += loads) {
            for (int i = 0; i < loads; ++i) { at = *const_cast<const link* const volatile*>(&at->next); }
        }
        return std::chrono::duration<double, std::nano>(now - start).count() / static_cast<double>(count);
    };
    run(time / 10);  // page tables and clocks get warm
    return run(time);
}

std::uint64_t read_until(std::span<const std::byte> memory, const std::atomic<bool>& stop) noexcept {
    constexpr std::size_t words = 8;
    constexpr std::size_t block = std::size_t{1} << 18;  // between two looks at `stop`
    std::uint64_t sum[words] = {};
    std::uint64_t bytes_read = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        for (std::size_t at = 0; at < memory.size(); at += block) {
            const auto part = memory.subspan(at, std::min(block, memory.size() - at));
            const auto* word = reinterpret_cast<const std::uint64_t*>(part.data());
            for (std::size_t i = 0; i + words <= part.size() / sizeof(std::uint64_t); i += words) {
                for (std::size_t k = 0; k < words; ++k) { sum[k] += word[i + k]; }
            }
            bytes_read += part.size();
            if (stop.load(std::memory_order_relaxed)) { break; }
        }
    }
    // Somebody wants the sum, so that the reading is not left out.
    volatile std::uint64_t sink = std::accumulate(std::begin(sum), std::end(sum), std::uint64_t{0});
    static_cast<void>(sink);
    return bytes_read;
}

}  // namespace numasio
