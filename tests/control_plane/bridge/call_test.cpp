// What async_call promises: any token, the caller's executor, exactly once, typed refusals.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <set>
#include <vector>

namespace numasio::test {
namespace {

class call : public ::testing::Test {
protected:
    template <class Service>
    port<int, int>& open(std::uint32_t capacity = 64, std::uint32_t producers = 4) {
        bridge_.emplace(io_.get_executor(), one_worker(capacity, producers));
        auto& opened = bridge_->open<int, int, Service>("p");
        bridge_->start();
        return opened;
    }
    void TearDown() override {
        gated::closed = false;
        if (bridge_) { EXPECT_ACCOUNTS_BALANCE((bridge_->stop(1s), bridge_->status())); }
        bridge_.reset();
        gated::reset();
    }
    asio::io_context io_;
    std::optional<bridge> bridge_;
};

TEST_F(call, a_callback_gets_the_reply_on_the_bridges_executor) {
    auto& p = open<incrementer>();
    int got = 0;
    std::thread::id where;
    p.async_call({0}, 41, [&](error_code ec, int v) {
        EXPECT_FALSE(ec);
        got = v;
        where = std::this_thread::get_id();
        EXPECT_TRUE(io_.get_executor().running_in_this_thread());
    });
    io_.run();
    EXPECT_EQ(got, 42);
    EXPECT_EQ(where, std::this_thread::get_id());
    EXPECT_NE(where, incrementer::worker_thread);
}

TEST_F(call, a_pending_call_keeps_run_from_returning) {
    auto& p = open<gated>();
    gated::closed = true;
    bool done = false;
    p.async_call({0}, 1, [&](error_code, int) { done = true; });
    std::thread opener([] {
        std::this_thread::sleep_for(50ms);
        gated::closed = false;
    });
    io_.run();
    EXPECT_TRUE(done);
    opener.join();
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

TEST_F(call, a_handler_never_runs_inside_its_initiation) {
    auto& p = open<incrementer>(1);
    int calls = 0;
    asio::post(io_, [&] {
        for (int i = 0; i < 8; ++i) {  // one is accepted, the rest are refused at once
            const int before = calls;
            p.async_call({0}, i, [&](error_code, int) { ++calls; });
            EXPECT_EQ(calls, before);
        }
    });
    io_.run();
    EXPECT_EQ(calls, 8);
}

TEST_F(call, a_full_lane_answers_lane_full_and_the_accepted_ones_are_served) {
    auto& p = open<gated>(8);
    gated::closed = true;
    int served = 0;
    int full = 0;
    for (int i = 0; i < 20; ++i) {
        p.async_call({0}, i, [&](error_code ec, int) { ec == errc::lane_full ? ++full : ++served; });
    }
    gated::closed = false;
    io_.run();
    EXPECT_EQ(served, 8);
    EXPECT_EQ(full, 12);
    const auto s = bridge_->status();
    EXPECT_EQ(sum(s, &lane_status::offered), 20U);
    EXPECT_EQ(sum(s, &lane_status::accepted), 8U);
    EXPECT_EQ(sum(s, &lane_status::rejected), 12U);
}

TEST_F(call, requests_of_one_thread_are_served_in_order) {
    struct recorder {
        explicit recorder(node_context&) {}
        int operator()(int x) { return x == last_ + 1 ? last_ = x : -1; }
        int last_ = -1;
    };
    auto& p = open<recorder>(4096);
    int expected = 0;
    for (int i = 0; i < 4000; ++i) {
        p.async_call({0}, i, [&](error_code ec, int v) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(v, expected++);  // replies keep the order, too
        });
    }
    io_.run();
    EXPECT_EQ(expected, 4000);
}

TEST_F(call, a_service_that_throws_is_reported_and_lives_on) {
    struct fragile {
        explicit fragile(node_context&) {}
        int operator()(int x) const {
            if (x % 2 != 0) { throw std::runtime_error("odd"); }
            return x;
        }
    };
    auto& p = open<fragile>(1024);
    int failed = 0;
    int good = 0;
    for (int i = 0; i < 1000; ++i) {
        p.async_call({0}, i, [&](error_code ec, int) { ec == errc::service_failed ? ++failed : ++good; });
    }
    io_.run();
    EXPECT_EQ(failed, 500);
    EXPECT_EQ(good, 500);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::failed), 500U);
}

TEST(port, carries_move_only_requests_and_replies) {
    struct unwrap {
        explicit unwrap(node_context&) {}
        std::unique_ptr<int> operator()(std::unique_ptr<int> x) const { return std::make_unique<int>(*x + 1); }
    };
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<std::unique_ptr<int>, std::unique_ptr<int>, unwrap>("p");
    b.start();
    int got = 0;
    p.async_call({0}, std::make_unique<int>(6), [&](error_code, std::unique_ptr<int> v) { got = *v; });
    io.run();
    EXPECT_EQ(got, 7);
}

TEST_F(call, a_large_handler_is_stored_with_its_own_allocator) {
    auto& p = open<incrementer>();
    std::array<std::byte, 8192> room;
    std::pmr::monotonic_buffer_resource memory(room.data(), room.size(), std::pmr::null_memory_resource());
    std::array<char, 400> ballast{};
    ballast.back() = 7;
    int got = 0;
    p.async_call({0}, 1,
                 asio::bind_allocator(std::pmr::polymorphic_allocator<std::byte>(&memory),
                                      [&got, ballast](error_code, int v) { got = v + ballast.back(); }));
    io_.run();
    EXPECT_EQ(got, 9);
}

TEST_F(call, a_request_cancelled_before_it_started_never_runs) {
    auto& p = open<gated>();
    gated::closed = true;
    asio::cancellation_signal signal;
    error_code first, second = errc::stopped;
    p.async_call({0}, 1, [&](error_code ec, int) { first = ec; });
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    p.async_call({0}, 2, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, int) { second = ec; }));
    signal.emit(asio::cancellation_type::terminal);
    gated::closed = false;
    io_.run();
    EXPECT_FALSE(first);
    EXPECT_EQ(second, asio::error::operation_aborted);
    EXPECT_EQ(gated::entered.load(), 1);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::cancelled), 1U);
    EXPECT_FALSE(signal.slot().has_handler());
}

TEST_F(call, a_late_cancellation_does_not_reach_the_next_request_of_the_cell) {
    auto& p = open<incrementer>(1);  // one cell: the second request uses it again
    asio::cancellation_signal signal;
    int good = 0;
    p.async_call({0}, 1, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, int) { good += !ec; }));
    while (sum(bridge_->status(), &lane_status::ran) == 0) { std::this_thread::yield(); }
    signal.emit(asio::cancellation_type::all);  // too late: it ran
    io_.run();
    io_.restart();
    p.async_call({0}, 1, [&](error_code ec, int) { good += !ec; });
    signal.emit(asio::cancellation_type::all);
    io_.run();
    EXPECT_EQ(good, 2);
}

TEST_F(call, a_reservation_is_a_place_that_cannot_be_refused) {
    auto& p = open<incrementer>(2);
    auto one = p.try_reserve({0});
    auto two = p.try_reserve({0});
    auto three = p.try_reserve({0});
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
    EXPECT_FALSE(three);
    EXPECT_EQ(three.error(), errc::lane_full);
    two = p.try_reserve({0});  // still none: `two` was given back only after the look
    EXPECT_FALSE(two);
    two = p.try_reserve({0});
    EXPECT_TRUE(two);
    int good = 0;
    p.async_call(std::move(one), 1, [&](error_code ec, int) { good += !ec; });
    p.async_call(std::move(two), 1, [&](error_code ec, int) { good += !ec; });
    io_.run();
    EXPECT_EQ(good, 2);
}

TEST_F(call, a_reservation_used_on_another_thread_takes_that_threads_lane) {
    auto& p = open<incrementer>(8);
    auto place = p.try_reserve({0});
    ASSERT_TRUE(place);
    error_code got = errc::stopped;
    std::thread([&, taken = std::move(place)]() mutable {
        p.async_call(std::move(taken), 1, [&](error_code ec, int) { got = ec; });
    }).join();
    io_.run();
    EXPECT_FALSE(got);
    EXPECT_TRUE(p.try_reserve({0}));
}

TEST_F(call, each_thread_has_its_lane_and_returns_it_at_its_end) {
    auto& p = open<incrementer>(64, 2);
    std::set<std::string> refusals;
    for (int round = 0; round < 20; ++round) {  // more threads than places, one after the other
        std::thread([&] { EXPECT_TRUE(p.try_reserve({0})); }).join();
    }
    EXPECT_TRUE(p.try_reserve({0}));  // this thread takes one of the two places
    std::thread([&] {
        EXPECT_TRUE(p.try_reserve({0}));  // the second takes the other
        std::thread([&] { EXPECT_EQ(p.try_reserve({0}).error(), errc::no_lane); }).join();
    }).join();
}

TEST_F(call, before_start_and_after_stop_the_answer_is_typed) {
    bridge_.emplace(io_.get_executor(), one_worker());
    auto& p = bridge_->open<int, int, incrementer>("p");
    std::vector<error_code> got;
    const auto keep = [&](error_code ec, int) { got.push_back(ec); };
    p.async_call({0}, 1, keep);
    bridge_->start();
    p.async_call({0}, 1, keep);
    io_.run();
    io_.restart();
    bridge_->stop(1s);
    p.async_call({0}, 1, keep);
    port<int, int> survivor = p;
    bridge_.reset();
    survivor.async_call({0}, 1, keep);
    io_.run();
    ASSERT_EQ(got.size(), 4U);
    EXPECT_EQ(got[0], errc::not_started);
    EXPECT_FALSE(got[1]);
    EXPECT_EQ(got[2], errc::stopped);
    EXPECT_EQ(got[3], errc::stopped);
}

TEST_F(call, a_forked_child_is_refused) {
    auto& p = open<incrementer>();
    ASSERT_TRUE(p.try_reserve({0}));
    const auto child = fork();
    if (child == 0) { _exit(p.try_reserve({0}).error() == errc::forked ? 0 : 1); }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(p.try_reserve({0}));
}

TEST_F(call, a_handler_that_throws_leaves_the_other_replies_deliverable) {
    auto& p = open<incrementer>();
    int good = 0;
    for (int i = 0; i < 10; ++i) {
        p.async_call({0}, i, [&, i](error_code, int) {
            ++good;
            if (i == 3) { throw std::runtime_error("from a handler"); }
        });
    }
    while (sum(bridge_->status(), &lane_status::ran) != 10) { std::this_thread::yield(); }
    EXPECT_THROW(io_.run(), std::runtime_error);
    io_.run();
    EXPECT_EQ(good, 10);
}

TEST_F(call, keys_have_a_stable_home_and_spread_evenly) {
    auto& p = open<incrementer>();
    EXPECT_EQ(p.home_of(std::string_view("greeting")), p.home_of(std::string("greeting")));
    EXPECT_EQ(p.home_of(7).worker, 0U);
    EXPECT_THROW(p.at(1), std::out_of_range);
    // The published constants: a change would move every key of every user.
    EXPECT_EQ(hash_key(std::string_view("")), mix64(0xcbf29ce484222325ULL));
    EXPECT_EQ(hash_key(1U), 0xb456bcfc34c2cb2cULL);
}

TEST(open, says_what_is_wrong) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    const auto code_of = [](auto&& f) {
        try {
            f();
        } catch (const boost::system::system_error& e) {
            return e.code();
        }
        return error_code{};
    };
    EXPECT_EQ(code_of([&] { b.open<int, int, incrementer>("q"); }), errc::unknown_pool);
    EXPECT_EQ(code_of([&] { b.start(); }), errc::pool_not_served);
    b.open<int, int, incrementer>("p");
    EXPECT_EQ(code_of([&] { b.open<int, int, incrementer>("p"); }), errc::already_started);
    b.start();
    EXPECT_EQ(code_of([&] { b.start(); }), errc::already_started);
}

TEST(bridge, more_pretend_nodes_than_cpus_are_a_plan_error) {
    asio::io_context io;
    auto asked = one_worker();
    asked.simulate_nodes = 100'000;
    EXPECT_THROW((bridge{io.get_executor(), asked}), plan_error);
}

TEST(bridge, pretend_nodes_are_labelled_and_leave_page_locality_absent) {
    asio::io_context io;
    auto asked = one_worker();
    asked.simulate_nodes = 1;
    bridge b{io.get_executor(), asked};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    p.async_call({0}, 1, [](error_code ec, int) { EXPECT_FALSE(ec); });
    io.run();
    EXPECT_EQ(b.machine().origin, topology_origin::simulated);
    EXPECT_FALSE(b.status().workers.at(0).page_locality);
    EXPECT_TRUE(b.status().workers.at(0).execution_locality);
    for (const auto& placed : b.placements()) {
        EXPECT_EQ(placed.outcome, placed.subject == placement_subject::cpu ? placement_outcome::honoured
                                                                           : placement_outcome::simulated)
            << to_text(placed);
        EXPECT_FALSE(placed.pages);
    }
}

}  // namespace
}  // namespace numasio::test
