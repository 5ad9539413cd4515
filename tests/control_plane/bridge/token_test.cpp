// Any completion token: coroutines, futures, deferred, handlers of another context.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <thread>

namespace numasio::test {
namespace {

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
