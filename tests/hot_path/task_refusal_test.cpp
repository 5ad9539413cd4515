// A full node_pool refuses new work, and nothing that ends an operation that was begun before.
#include <numasio/detail/completion.hpp>
#include <numasio/node_pool.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace numasio {
namespace {

namespace asio = boost::asio;

/// One worker, which is busy until go(), and no place for more from outside.
struct full_pool {
    full_pool() : here(1, plan()) {
        asio::post(here.pool.on(0u), [this] { busy.set_value(), wait.get_future().wait(); });
        busy.get_future().wait();
        while (!here.pool.try_post(here.pool.on(0u), [] {})) {}
    }
    static pool_plan plan() {
        auto asked = test::task_pool_plan();
        asked.tasks.capacity = 2;
        return asked;
    }
    void go() {
        wait.set_value();
        here.pool.join();
    }
    std::promise<void> busy, wait;
    test::task_pool_here here;
};

TEST(task_refusal, is_of_new_work) {
    full_pool full;
    EXPECT_EQ(full.here.pool.try_post(full.here.pool.on(0u), [] {}), errc::pool_full);
    EXPECT_THROW(asio::post(full.here.pool.on(0u), [] {}), boost::system::system_error);
    full.go();
}

TEST(task_refusal, is_not_of_replies_that_a_bridge_hands_to_the_pool) {
    full_pool full;
    asio::io_context io;
    std::atomic<int> replies{0};
    const auto handler = [&] { return asio::bind_executor(full.here.pool.on(0u), [&](const error_code&, int n) { replies += n; }); };
    struct nothing {
        void operator()() const noexcept {}
    };
    detail::completion<int, nothing> one;
    one.emplace(handler(), io.get_executor());
    EXPECT_NO_THROW(one.deliver({}, 1, {}, {}));
    EXPECT_NO_THROW(detail::post_completion(handler(), {}, 10, io.get_executor()));
    full.go();
    EXPECT_EQ(replies, 11);
}

}  // namespace
}  // namespace numasio
