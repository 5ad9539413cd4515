// One hand-off and back, through the bridge and through asio::post both ways: a first figure.
#include <numasio/bridge.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct incrementer {
    explicit incrementer(numasio::node_context&) {}
    int operator()(int x) const noexcept { return x + 1; }
};

numasio::plan one_worker(std::uint32_t producers) {
    numasio::pool_plan pool;
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = {1 << 20};
    pool.lane.producers = producers;
    numasio::plan asked;
    asked.pools.push_back(pool);
    return asked;
}

/// `in_flight` calls at a time, each reply starting the next call, beside lanes of so many producers as there may be.
void bridge_round_trip(benchmark::State& state) {
    asio::io_context io{1};
    numasio::bridge b{io.get_executor(), one_worker(static_cast<std::uint32_t>(state.range(1)))};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    const auto in_flight = state.range(0);
    constexpr std::int64_t calls = 100'000;
    for (auto _ : state) {
        std::int64_t left = calls;
        struct next_call {
            numasio::port<int, int>& p;
            std::int64_t& left;
            void operator()(numasio::error_code, int) {
                if (left-- > 0) { p.async_call({0}, 1, next_call{p, left}); }
            }
        };
        for (std::int64_t i = 0; i < in_flight; ++i) { next_call{p, left}({}, 0); }
        io.run();
        io.restart();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * calls);
    b.stop(1s);
}
BENCHMARK(bridge_round_trip)->ArgNames({"in_flight", "producers"})->Args({1, 4})->Args({1, 256})->Args({64, 4})->Args({64, 64})->Args({64, 256})->UseRealTime()->Unit(benchmark::kMillisecond);

void asio_post_round_trip(benchmark::State& state) {
    asio::io_context io{1};
    asio::io_context other{1};
    auto keep = asio::make_work_guard(other);
    std::thread worker([&] { other.run(); });
    const auto in_flight = state.range(0);
    constexpr std::int64_t calls = 100'000;
    for (auto _ : state) {
        auto work = asio::make_work_guard(io);
        std::int64_t left = calls;
        std::int64_t running = in_flight;
        struct next_call {
            asio::io_context& io;
            asio::io_context& other;
            std::int64_t& left;
            std::int64_t& running;
            asio::executor_work_guard<asio::io_context::executor_type>& work;
            void operator()() {
                if (left-- <= 0) {
                    if (--running == 0) { work.reset(); }
                    return;
                }
                asio::post(other, [self = *this]() mutable { asio::post(self.io, self); });
            }
        };
        for (std::int64_t i = 0; i < in_flight; ++i) { next_call{io, other, left, running, work}(); }
        io.run();
        io.restart();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * calls);
    keep.reset();
    worker.join();
}
BENCHMARK(asio_post_round_trip)->ArgName("in_flight")->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
