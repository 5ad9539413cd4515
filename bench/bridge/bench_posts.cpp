// How many replies a post to the io_context brings: by the time that the service takes, and by whether a drain waits for the next reply.
#include "one_worker.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/bridge.hpp>
#include <numasio/detail/platform.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace numasio::bench;

constexpr int in_flight = 64;

/// Works for so many nanoseconds.
struct working {
    explicit working(numasio::node_context&) {}
    int operator()(std::int64_t ns) const noexcept {
        const auto until = numasio::detail::steady_ns() + ns;
        while (ns != 0 && numasio::detail::steady_ns() < until) { numasio::detail::cpu_relax(); }
        return 0;
    }
};

struct next_call {
    numasio::port<std::int64_t, int>& p;
    std::int64_t takes_ns;
    int& left;
    void operator()(numasio::error_code, int) {
        if (left > 0) { --left, p.async_call({0}, std::int64_t{takes_ns}, next_call(*this)); }
    }
};

/// An executor that counts what other threads post; what a handler adds for later on its own thread is no post.
template <class Inner>
class counting_executor {
public:
    counting_executor(const Inner& inner, std::atomic<int>& posts) noexcept : inner_(inner), posts_(&posts) {}

    template <class Property>
        requires asio::can_query<const Inner&, Property>::value
    decltype(auto) query(const Property& p) const { return asio::query(inner_, p); }
    template <class Property>
        requires asio::can_require<const Inner&, Property>::value
    auto require(const Property& p) const { return make(asio::require(inner_, p), *posts_); }
    template <class F>
    void execute(F&& f) const {
        if (asio::query(inner_, asio::execution::relationship) != asio::execution::relationship.continuation) { posts_->fetch_add(1, std::memory_order_relaxed); }
        inner_.execute(std::forward<F>(f));
    }
    friend bool operator==(const counting_executor&, const counting_executor&) noexcept = default;

private:
    template <class Other>
    static counting_executor<Other> make(const Other& inner, std::atomic<int>& posts) { return {inner, posts}; }
    Inner inner_;
    std::atomic<int>* posts_;
};

struct counted {
    double replies_a_post, replies_a_sweep;
};

counted measure(numasio::idle_strategy idle, std::int64_t takes_ns, int calls, const std::vector<numasio::cpu_id>& cpus, const numasio::topology& machine) {
    asio::io_context io;
    auto asked = one_worker_plan(cpus, "p");
    asked.pools[0].lane.capacity = 2 * in_flight;
    asked.pools[0].idle.strategy = idle;
    std::atomic<int> posts{0};
    numasio::bridge b(counting_executor(io.get_executor(), posts), asked, machine);
    auto& p = b.open<std::int64_t, int, working>("p");
    b.start();
    const auto sweeps = [&] { return b.status().workers.at(0).batches; };
    const auto run = [&](int count) {
        int left = count - in_flight;
        for (int i = 0; i < in_flight; ++i) { p.async_call({0}, std::int64_t{takes_ns}, next_call{p, takes_ns, left}); }
        io.restart();
        io.run();
    };
    run(calls / 10);
    const auto swept = sweeps();
    posts = 0;
    run(calls);
    const counted n{static_cast<double>(calls) / posts, static_cast<double>(calls) / static_cast<double>(sweeps() - swept)};
    b.stop(std::chrono::seconds(5));
    return n;
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "replies to a post, by what the service takes");
    const auto cpus = two_cpus(asked);
    const auto machine = numasio::discover_topology();  // before it is pinned
    pin(cpus[0]);
    std::printf("64 calls in flight of one thread that runs the io_context. Replies to a post, in brackets replies to a sweep of the worker. Medians of %d runs.\n\n| service | spin_then_park | park |\n|---|---|---|\n", asked.rounds);
    for (const std::int64_t us : {0, 1, 2, 5, 10, 20, 100}) {
        std::printf("| %lld us |", static_cast<long long>(us));
        for (const auto idle : {numasio::idle_strategy::spin_then_park, numasio::idle_strategy::park}) {
            std::vector<double> to_post, to_sweep;
            for (int i = 0; i < asked.rounds; ++i) {
                const auto n = measure(idle, us * 1000, asked.repeats(us < 10 ? 50'000 : 10'000), cpus, machine);
                to_post.push_back(n.replies_a_post);
                to_sweep.push_back(n.replies_a_sweep);
            }
            std::printf(" %.1f (%.1f) |", estimate_of(to_post).median, estimate_of(to_sweep).median);
        }
        std::printf("\n");
        std::fflush(stdout);
    }
}
