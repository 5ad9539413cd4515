// From the submission to a thread that sleeps until its first instruction there: a parked worker of the bridge, an idle io_context.
#include <numasio/bridge.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr int rounds = 9;
constexpr int calls = 1000;                // in each round
constexpr auto idle_for = 500us;           // before each call: long enough for the other side to fall asleep

std::int64_t now() { return clock_type::now().time_since_epoch().count(); }

struct quantiles {
    double p50 = 0;
    double p99 = 0;
};

quantiles of(std::vector<std::int64_t> ns) {
    std::sort(ns.begin(), ns.end());
    return {static_cast<double>(ns[ns.size() / 2]) / 1e3, static_cast<double>(ns[ns.size() * 99 / 100]) / 1e3};
}

struct stamper {
    explicit stamper(numasio::node_context&) {}
    std::int64_t operator()(std::int64_t) const noexcept { return now(); }
};

quantiles bridge_round(numasio::port<std::int64_t, std::int64_t>& p, asio::io_context& io) {
    std::vector<std::int64_t> took;
    for (int i = 0; i < calls; ++i) {
        std::this_thread::sleep_for(idle_for);
        const auto sent = now();
        p.async_call(p.at(0), sent, [&, sent](numasio::error_code ec, std::int64_t ran) {
            if (!ec) { took.push_back(ran - sent); }
        });
        io.restart();
        io.run();
    }
    return of(std::move(took));
}

quantiles post_round(asio::io_context& other, asio::io_context& io) {
    std::vector<std::int64_t> took;
    for (int i = 0; i < calls; ++i) {
        std::this_thread::sleep_for(idle_for);
        auto work = asio::make_work_guard(io);
        const auto sent = now();
        asio::post(other, [&, sent] {
            const auto ran = now();
            asio::post(io, [&, sent, ran] {
                took.push_back(ran - sent);
                work.reset();
            });
        });
        io.restart();
        io.run();
    }
    return of(std::move(took));
}

quantiles median(const std::array<quantiles, rounds>& all) {
    std::vector<double> p50;
    std::vector<double> p99;
    for (const auto& q : all) {
        p50.push_back(q.p50);
        p99.push_back(q.p99);
    }
    std::nth_element(p50.begin(), p50.begin() + rounds / 2, p50.end());
    std::nth_element(p99.begin(), p99.begin() + rounds / 2, p99.end());
    return {p50[rounds / 2], p99[rounds / 2]};
}

}  // namespace

int main() {
    numasio::plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = numasio::bytes{1 << 20};
    pool.idle.strategy = numasio::idle_strategy::park;
    asio::io_context io{1};
    numasio::bridge b{io.get_executor(), asked};
    auto& p = b.open<std::int64_t, std::int64_t, stamper>("p");
    b.start();
    asio::io_context other{1};
    auto keep = asio::make_work_guard(other);
    std::thread idle([&] { other.run(); });

    std::array<quantiles, rounds> bridge_took;
    std::array<quantiles, rounds> post_took;
    for (int round = 0; round < rounds; ++round) {
        bridge_took[static_cast<std::size_t>(round)] = bridge_round(p, io);
        post_took[static_cast<std::size_t>(round)] = post_round(other, io);
    }
    const auto ours = median(bridge_took);
    const auto theirs = median(post_took);
    std::printf("submit to run, the other side asleep; medians of %d rounds of %d calls, interleaved\n", rounds, calls);
    std::printf("%-28s %8s %8s\n", "us", "p50", "p99");
    std::printf("%-28s %8.1f %8.1f\n", "bridge, worker parks", ours.p50, ours.p99);
    std::printf("%-28s %8.1f %8.1f\n", "asio::post to an io_context", theirs.p50, theirs.p99);
    std::printf("%-28s %8.2f %8.2f\n", "ratio", ours.p50 / theirs.p50, ours.p99 / theirs.p99);
    keep.reset();
    idle.join();
    b.stop(1s);
}
