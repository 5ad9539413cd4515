// The README's program: what stands below is quoted there, word for word.
#include <numasio/bridge.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>

namespace asio = boost::asio;

class counter {                                   // built on its worker, called there and nowhere else
public:
    explicit counter(numasio::node_context&) {}
    int operator()(const int& step) noexcept { return total_ += step; }
private:
    int total_ = 0;
};

asio::awaitable<void> session(numasio::port<int, int>& port) {
    for (int step = 1; step <= 3; ++step) {
        const auto [error, total] =
            co_await port.async_call(port.home_of(7), step, asio::as_tuple(asio::use_awaitable));
        if (error) { co_return; }                 // lane_full or stopped: answered at once, nothing waits
        std::cout << "total " << total << '\n';   // on the coroutine's own executor again
    }
}

int main() {
    asio::io_context io;                          // yours, unchanged
    numasio::plan plan;                           // or, with numasio::control, load_plan("plan.yaml")
    plan.pools.emplace_back().name = "counter";
    numasio::bridge bridge{io.get_executor(), plan};
    auto& port = bridge.open<int, int, counter>("counter");
    bridge.start();                               // pin, bind, build a counter on each worker, verify
    asio::co_spawn(io, session(port), asio::detached);
    io.run();
    return bridge.stop(std::chrono::seconds(1)).drained() ? 0 : 1;
}
