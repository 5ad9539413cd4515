// Any completion token: coroutines, futures, deferred, handlers of another context.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <thread>

namespace numasio::test {
namespace {

/// Counts what it is handed.
class counting_executor {
public:
    counting_executor(asio::io_context& io, int& handed) noexcept : io_(&io), handed_(&handed) {}
    asio::execution_context& query(asio::execution::context_t) const noexcept { return *io_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept { return asio::execution::blocking.never; }
    counting_executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
    template <class F>
    void execute(F f) const {
        ++*handed_;
        asio::post(*io_, std::move(f));
    }
    friend bool operator==(const counting_executor&, const counting_executor&) noexcept = default;

private:
    asio::io_context* io_;
    int* handed_;
};

TEST_F(call, an_executor_is_handed_a_reply_once) {
    int to_bridge = 0;
    int answered = 0;
    auto asked = one_worker();
    asked.pools[0].idle.strategy = idle_strategy::park;  // whose drains wait for nothing
    bridge_.emplace(counting_executor(io_, to_bridge), asked);
    auto& p = bridge_->open<int, int, incrementer>("p");
    bridge_->start();
    const auto finish = [&](int count) {
        while (answered != count) {
            io_.restart();
            io_.poll();
        }
    };
    const auto handler = [&](error_code, int) { ++answered; };
    p.async_call({0}, 1, handler);
    finish(1);
    EXPECT_EQ(to_bridge, 1) << "the drain's";

    int to_own = 0;
    p.async_call({0}, 1, asio::bind_executor(counting_executor(io_, to_own), handler));
    finish(2);
    EXPECT_EQ(to_own, 1);
    p.async_call({7}, 1, asio::bind_executor(counting_executor(io_, to_own), handler));  // no such worker
    finish(3);
    EXPECT_EQ(to_own, 2);
}

TEST_F(call, a_coroutine_is_resumed_on_its_own_executor) {
    auto& p = open<incrementer>();
    auto strand = asio::make_strand(io_);
    int got = 0;
    asio::co_spawn(
        strand,
        [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 100; ++i) {
                got = co_await p.async_call({0}, got, asio::use_awaitable);
                EXPECT_TRUE(strand.running_in_this_thread());
            }
            const auto [ec, v] = co_await p.async_call({0}, got, asio::as_tuple(asio::use_awaitable));
            EXPECT_FALSE(ec);
            got = v;
        },
        [](std::exception_ptr e) { EXPECT_FALSE(e); });
    io_.run();
    EXPECT_EQ(got, 101);
}

TEST_F(call, a_handler_bound_to_another_context_runs_there_and_keeps_the_bridges_context_running) {
    auto& p = open<gated>();
    gated::closed = true;
    asio::thread_pool elsewhere(1);
    std::thread::id where;
    std::promise<int> reply;
    p.async_call({0}, 2, asio::bind_executor(elsewhere, [&](error_code, int v) {
                     where = std::this_thread::get_id();
                     reply.set_value(v);
                 }));
    std::thread opener([] {
        std::this_thread::sleep_for(20ms);
        gated::closed = false;
    });
    io_.run();  // the reply comes by way of this context: it must not run out of work before
    opener.join();
    EXPECT_EQ(reply.get_future().get(), 2);
    EXPECT_NE(where, std::this_thread::get_id());
    elsewhere.join();
}

/// Gives its executor by reference, which a binder around it passes on: it looks like the bridge's own to a careless eye.
struct by_reference {
    using executor_type = asio::any_io_executor;
    const executor_type& get_executor() const noexcept { return executor; }
    void operator()(error_code ec, int v) const { done.set_value(ec ? -1 : v); }
    asio::any_io_executor executor;
    std::promise<int>& done;
};

TEST_F(call, a_handler_whose_executor_is_a_reference_runs_there) {
    auto& p = open<incrementer>();
    asio::io_context other;
    asio::cancellation_signal signal;
    std::promise<int> plain, bound;
    p.async_call({0}, 1, by_reference{other.get_executor(), plain});
    p.async_call({0}, 2, asio::bind_cancellation_slot(signal.slot(), by_reference{other.get_executor(), bound}));
    io_.run();
    other.run();
    EXPECT_EQ(plain.get_future().get(), 2);
    EXPECT_EQ(bound.get_future().get(), 3);
}

TEST_F(call, futures_and_deferred_operations_work) {
    auto& p = open<incrementer>();
    auto future = p.async_call({0}, 1, asio::use_future);
    auto later = p.async_call({0}, 10, asio::deferred);
    int got = 0;
    std::move(later)([&](error_code, int v) { got = v; });
    io_.run();
    EXPECT_EQ(future.get(), 2);
    EXPECT_EQ(got, 11);
}

}  // namespace
}  // namespace numasio::test
