// The schedule shaker of a build with NUMASIO_SHAKE: makes threads meet where by themselves they seldom do.
#include <numasio/detail/platform.hpp>
#include <numasio/detail/shaken_atomic.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

namespace numasio::detail {
namespace {

/// splitmix64's finish: neighbouring numbers come out unlike.
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

std::uint64_t seed_of_process() {
    const char* const asked = std::getenv("NUMASIO_SHAKE_SEED");
    const std::uint64_t seed = asked != nullptr ? std::strtoull(asked, nullptr, 10) : std::random_device{}();
    // Told at once: a test that hangs or crashes has no other time to say by what it was shaken.
    std::fprintf(stderr, "numasio: shaken by NUMASIO_SHAKE_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

std::uint64_t process_seed() {
    static const std::uint64_t seed = seed_of_process();
    return seed;
}

/// Threads come in the same order as long as a test starts them in one.
std::uint64_t seed_of_thread() {
    static std::atomic<std::uint64_t> threads{0};
    return mixed(process_seed() + mixed(threads.fetch_add(1, std::memory_order_relaxed)));
}

/// A pause everywhere would slow both sides of a race down alike. So each seed has its own few points that it pauses at often and long:
/// there the rest of the program overtakes.
constexpr std::uint64_t points_for_each_slow_one = 8;
constexpr std::uint64_t passes_of_a_slow_point = 4;  // for each pause
constexpr std::uint64_t passes_of_a_point = 64;

}  // namespace

void shake(std::uint32_t point) noexcept {
    static const std::uint64_t seed = process_seed();
    thread_local std::uint64_t stream = seed_of_thread();
    const auto dice = mixed(stream++);
    const bool slow = mixed(seed ^ point) % points_for_each_slow_one == 0;
    if (dice % (slow ? passes_of_a_slow_point : passes_of_a_point) != 0) { return; }
    const auto kind = dice >> 16 & 3;
    const auto length = dice >> 32;
    if (kind == 0) { std::this_thread::sleep_for(std::chrono::microseconds(length % (slow ? 100 : 20))); }
    else if (kind == 1) { std::this_thread::yield(); }
    else {
        for (auto left = length % 1024; left > 0; --left) { cpu_relax(); }
    }
}

}  // namespace numasio::detail
