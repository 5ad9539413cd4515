// Uses numasio::bridge with a plan built in code: one request to a pinned worker and its reply, no YAML, no HTTP.
#include <numasio/bridge.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <iostream>

struct doubler {
    explicit doubler(numasio::node_context&) {}
    int operator()(const int& n) noexcept { return 2 * n; }
};

int main() {
    boost::asio::io_context io;
    numasio::plan plan;
    numasio::pool_plan pool;
    pool.name = "twice";
    pool.memory.per_worker = numasio::bytes{1 << 20};
    plan.pools.push_back(pool);

    numasio::bridge bridge{io.get_executor(), plan};
    auto& twice = bridge.open<int, int, doubler>("twice");
    bridge.start();
    int got = 0;
    twice.async_call(twice.home_of(21), 21, [&](numasio::error_code error, int reply) {
        if (!error) { got = reply; }
        io.stop();
    });
    io.run_for(std::chrono::seconds(30));
    const bool drained = bridge.stop(std::chrono::seconds(1)).drained();
    std::cout << "21 doubled is " << got << '\n';
    return got == 42 && drained ? 0 : 1;
}
