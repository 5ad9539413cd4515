// Counting one event: a worker's own counter, as the hot path has it, a sharded_counter, and one atomic that all threads share.
#include <numasio/detail/counters.hpp>
#include <numasio/sharded_counter.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace {

using numasio::detail::single_writer_counter;

/// A line for each thread, as each worker_core has its own.
struct alignas(64) own_line {
    single_writer_counter counter;
};

void single_writer(benchmark::State& state) {
    static std::array<own_line, 64> lines;
    auto& counter = lines[static_cast<std::size_t>(state.thread_index())].counter;
    for (auto _ : state) { counter.add(); }
    benchmark::DoNotOptimize(counter.get());
}
BENCHMARK(single_writer)->ThreadRange(1, 2);

void sharded(benchmark::State& state) {
    static numasio::sharded_counter counter;
    for (auto _ : state) { counter.add(); }
    benchmark::DoNotOptimize(counter.value());
}
BENCHMARK(sharded)->ThreadRange(1, 2);

void shared_atomic(benchmark::State& state) {
    static std::atomic<std::uint64_t> counter{0};
    for (auto _ : state) { counter.fetch_add(1, std::memory_order_relaxed); }
    benchmark::DoNotOptimize(counter.load());
}
BENCHMARK(shared_atomic)->ThreadRange(1, 2);

}  // namespace

BENCHMARK_MAIN();
