// The other ways through a port: without a reply, at once or not at all, from a plain thread, to any worker of a node, to all.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/call_all.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

struct thrower {
    explicit thrower(node_context&) {}
    int operator()(int) const { throw std::runtime_error("no"); }
};

/// Asks its own port and waits.
struct self_asker {
    explicit self_asker(node_context&) {}
    int operator()(int x) const {
        error_code ec;
        asked->blocking_call({0}, x, ec, 1s);
        return ec.value();
    }
    static inline port<int, int>* asked = nullptr;
};

plan workers_of_one_node(std::uint32_t workers, std::uint32_t capacity = 64) {
    auto asked = one_worker(capacity);
    asked.pools.front().workers_per_node = workers;
    return asked;
}

/// The context runs on a thread of its own, as a plain thread needs it.
struct blocking : call {
    ~blocking() override {
        work_.reset();
        if (runs_.joinable()) { runs_.join(); }
    }
    void run_context() {
        runs_ = std::thread([this] { io_.run(); });
    }
    void TearDown() override {
        gated::closed = false;
        bridge_->stop(1s);
        work_.reset();
        if (runs_.joinable()) { runs_.join(); }
        call::TearDown();
    }
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread runs_;
};

TEST_F(call, a_post_ends_without_a_reply_when_the_service_has_run) {
    auto& p = open<gated>();
    std::vector<error_code> ends;
    p.async_post({0}, 1, [&](error_code ec) { ends.push_back(ec); });
    p.async_post({0}, 2);  // whose end nobody asks for
    auto told = p.async_post({0}, 3, asio::use_future);
    io_.run();
    EXPECT_THAT(ends, testing::ElementsAre(error_code{}));
    told.get();
    EXPECT_EQ(gated::entered.load(), 3);
}

TEST_F(call, a_post_tells_a_failing_service_and_a_full_lane) {
    auto& p = open<thrower>(1);
    std::vector<error_code> ends;
    for (int i = 0; i < 2; ++i) { p.async_post({0}, i, [&](error_code ec) { ends.push_back(ec); }); }
    io_.run();
    EXPECT_THAT(ends, testing::UnorderedElementsAre(errc::service_failed, errc::lane_full));
}

TEST_F(call, a_post_that_nobody_asks_about_is_accounted_for_and_keeps_its_context_at_work_but_has_no_round_trip) {
    auto& p = open<gated>(4);
    gated::closed = true;
    for (int i = 0; i < 4; ++i) { EXPECT_FALSE(p.try_post({0}, int{i})); }
    EXPECT_EQ(p.try_post({0}, 5), errc::lane_full);
    p.async_post({0}, 6);  // refused, and nobody is told
    std::thread opens([] {
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
        gated::closed = false;
    });
    io_.run();  // until the last has ended
    opens.join();
    const auto s = bridge_->status();
    EXPECT_EQ(sum(s, &lane_status::ran), 4U);
    EXPECT_EQ(sum(s, &lane_status::delivered), 4U);
    EXPECT_EQ(sum(s, &lane_status::rejected), 2U);
    EXPECT_EQ(s.workers.front().round_trip.count(), 0U);
    EXPECT_EQ(s.workers.front().queue_delay.count(), 4U);
    for (int i = 0; i < 4; ++i) { EXPECT_FALSE(p.try_post({0}, int{i})); }  // the places came back
}

TEST_F(call, a_post_that_nobody_asks_about_waits_for_a_place_where_the_plan_has_it) {
    auto asked = one_worker(1);
    asked.pools.front().lane.full = when_full::wait;
    auto& p = open_plan<gated>(asked);
    for (int i = 0; i < 5; ++i) { p.async_post({0}, i); }
    io_.run();
    EXPECT_EQ(gated::entered.load(), 5);
    EXPECT_EQ(p.try_post({0}, 1), error_code());
    EXPECT_EQ(p.try_post({0}, 1), errc::lane_full) << "it does not wait";
}

TEST_F(call, a_post_whose_request_was_not_run_gives_it_up_where_it_ends) {
    bridge_.emplace(io_.get_executor(), one_worker());
    struct holds_on {
        explicit holds_on(node_context&) {}
        int operator()(const std::shared_ptr<int>&) const {
            gated::entered.fetch_add(1);
            while (gated::closed.load()) { std::this_thread::yield(); }
            return 0;
        }
    };
    auto& p = bridge_->open<std::shared_ptr<int>, int, holds_on>("p");
    bridge_->start();
    gated::closed = true;
    const auto request = std::make_shared<int>(1);
    for (int i = 0; i < 3; ++i) { p.async_post({0}, request); }
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    EXPECT_EQ(bridge_->stop(0s).stopped, 2U);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(request.use_count(), 1);
}

TEST_F(call, a_post_keeps_its_handlers_executor_and_can_be_cancelled) {
    auto& p = open<gated>();
    gated::closed = true;
    p.async_post({0}, 1);
    asio::thread_pool elsewhere(1);
    asio::cancellation_signal signal;
    error_code end;
    bool there = false;
    p.async_post({0}, 2, asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(elsewhere, [&](error_code ec) {
                     end = ec;
                     there = elsewhere.get_executor().running_in_this_thread();
                 })));
    signal.emit(asio::cancellation_type::all);
    gated::closed = false;
    io_.run();
    elsewhere.join();
    EXPECT_EQ(end, asio::error::operation_aborted);
    EXPECT_TRUE(there);
    EXPECT_EQ(gated::entered.load(), 1);
}

TEST_F(call, a_try_that_is_refused_touches_neither_request_nor_handler) {
    struct doubler {
        explicit doubler(node_context&) {}
        int operator()(std::unique_ptr<int> x) const { return 2 * *x; }
    };
    asio::io_context io;
    bridge b(io, one_worker(1));
    auto& p = b.open<std::unique_ptr<int>, int, doubler>("p");
    auto request = std::make_unique<int>(4);
    auto token = std::make_shared<int>(0);
    const auto answer = [token](error_code ec, int v) { *token = ec ? -1 : v; };
    EXPECT_EQ(p.try_call({0}, std::move(request), answer), errc::not_started);
    b.start();
    auto held = p.try_reserve({0});  // the only place
    EXPECT_EQ(p.try_call({0}, std::move(request), answer), errc::lane_full);
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(*request, 4);
    EXPECT_EQ(token.use_count(), 2);
    { const auto given_back = std::move(held); }
    EXPECT_FALSE(p.try_call({0}, std::move(request), answer));
    io.run();
    EXPECT_EQ(*token, 8);
    EXPECT_ACCOUNTS_BALANCE((b.stop(1s), b.status()));
}

TEST_F(blocking, call_returns_the_reply_to_a_plain_thread) {
    auto& p = open<incrementer>();
    run_context();
    for (int i = 0; i < 1000; ++i) { ASSERT_EQ(p.blocking_call({0}, i), i + 1); }
    error_code ec = errc::stopped;
    EXPECT_EQ(p.blocking_call({0}, 6, ec), 7);
    EXPECT_FALSE(ec);
    EXPECT_EQ(p.blocking_call({0}, 7, 10s), 8);
}

TEST_F(blocking, call_throws_what_async_call_would_have_told) {
    auto& p = open<thrower>();
    run_context();
    try {
        p.blocking_call({0}, 1);
        FAIL() << "nothing was thrown";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::service_failed);
    }
    error_code ec;
    p.blocking_call({9}, 1, ec);
    EXPECT_EQ(ec, errc::no_worker);
}

TEST_F(blocking, call_gives_up_after_the_longest_wait_and_what_was_not_started_never_runs) {
    auto& p = open<gated>();
    run_context();
    gated::closed = true;
    p.async_post({0}, 1);
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    error_code waiting;
    p.blocking_call({0}, 2, waiting, 20ms);
    EXPECT_EQ(waiting, asio::error::timed_out);
    gated::closed = false;
    EXPECT_EQ(p.blocking_call({0}, 3), 3);  // behind the other, if that runs
    EXPECT_EQ(gated::entered.load(), 2);
}

TEST_F(blocking, call_gives_up_on_what_has_been_started_too) {
    auto& p = open<gated>();
    run_context();
    gated::closed = true;
    error_code started;
    std::thread waits([&] {
        do { p.blocking_call({0}, 1, started, 50ms); } while (gated::entered.load() == 0);  // cancelled before the worker came to it
    });
    waits.join();
    EXPECT_EQ(started, asio::error::timed_out);
    EXPECT_EQ(gated::entered.load(), 1);
}

TEST_F(blocking, call_ends_with_a_stop) {
    auto& p = open<gated>();
    run_context();
    gated::closed = true;
    p.async_post({0}, 1);
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    error_code ec;
    std::thread waits([&] { p.blocking_call({0}, 2, ec); });
    while (sum(bridge_->status(), &lane_status::accepted) != 2) { std::this_thread::yield(); }
    bridge_->stop(0s);
    gated::closed = false;
    waits.join();
    EXPECT_EQ(ec, errc::stopped);
}

TEST_F(blocking, call_is_refused_where_its_reply_could_never_come) {
    auto& p = open<incrementer>();
    error_code in_context;
    error_code in_strand;
    asio::post(io_, [&] { p.blocking_call({0}, 1, in_context); });
    asio::post(asio::make_strand(io_), [&] { p.blocking_call({0}, 1, in_strand); });
    while (io_.poll_one() != 0) {}
    EXPECT_EQ(in_context, errc::may_not_block);
    EXPECT_EQ(in_strand, errc::may_not_block);
    EXPECT_EQ(bridge_->status().pools.front().refused, 2U);
}

TEST(blocking_call, is_refused_inside_a_service) {
    asio::io_context io;
    bridge b(io, one_worker());
    auto& p = b.open<int, int, self_asker>("p");
    self_asker::asked = &p;
    b.start();
    int told = 0;
    p.async_call({0}, 1, [&](error_code, int v) { told = v; });
    io.run();
    EXPECT_EQ(told, static_cast<int>(errc::may_not_block));
}

TEST_F(call, blocking_is_refused_inside_a_service_that_its_caller_drives) {
    auto asked = one_worker();
    asked.pools.front().idle.strategy = idle_strategy::caller_drives;
    auto& p = open_plan<self_asker>(asked);
    self_asker::asked = &p;
    int told = 0;
    p.async_call({0}, 1, [&](error_code, int v) { told = v; });
    bridge_->invoker_of("p", 0).invoke();
    io_.run();
    EXPECT_EQ(told, static_cast<int>(errc::may_not_block));
}

TEST_F(call, any_of_a_node_is_one_of_its_workers_with_the_fewest_requests_on_their_way) {
    auto& p = open_plan<gated>(workers_of_one_node(2));
    const auto node = bridge_->sites().workers.front().node;
    std::array<int, 2> chosen{};
    for (int i = 0; i < 1000; ++i) { ++chosen.at(p.any_of(node).worker); }
    EXPECT_GT(std::min(chosen[0], chosen[1]), 400);  // as good as never less
    gated::closed = true;
    p.async_post({0}, 1);
    for (int i = 0; i < 20; ++i) { EXPECT_EQ(p.any_of(node).worker, 1U); }
    gated::closed = false;
    io_.run();
    EXPECT_THROW(p.any_of(node_id{4095}), std::out_of_range);
}

TEST_F(call, any_of_a_node_is_on_that_node) {
    plan asked;
    asked.simulate_nodes = 2;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.memory.per_worker = 1_MiB;
    auto& p = open_plan<gated>(asked);
    ASSERT_GE(bridge_->sites().workers.size(), 2U);
    for (const auto& site : bridge_->sites().workers) {
        for (int i = 0; i < 20; ++i) { EXPECT_EQ(bridge_->sites().workers.at(p.any_of(site.node).worker).node, site.node); }
    }
}

TEST_F(call, a_call_to_all_gathers_the_replies_by_worker) {
    auto& p = open_plan<gated>(workers_of_one_node(2));
    std::vector<int> got;
    async_call_all(p, [](home to) { return static_cast<int>(10 * to.worker); }, [&](error_code ec, std::vector<int> replies) {
        EXPECT_FALSE(ec);
        EXPECT_TRUE(io_.get_executor().running_in_this_thread());
        got = std::move(replies);
    });
    io_.run();
    EXPECT_THAT(got, testing::ElementsAre(0, 10));
}

TEST_F(call, a_call_to_all_goes_to_all_or_to_none) {
    auto& p = open_plan<gated>(workers_of_one_node(2, 1));
    const auto held = p.try_reserve({1});
    ASSERT_TRUE(held);
    error_code end;
    bool made = false;
    async_call_all(
        p, [&](home) { return made = true, 1; },
        [&](error_code ec, const std::vector<int>& replies) {
            end = ec;
            EXPECT_TRUE(replies.empty());
        });
    io_.run();
    EXPECT_EQ(end, errc::lane_full);
    EXPECT_FALSE(made);
    EXPECT_EQ(gated::entered.load(), 0);
}

TEST_F(call, a_call_to_all_tells_the_first_error_and_is_cancelled_as_one) {
    auto& p = open_plan<gated>(workers_of_one_node(2));
    gated::closed = true;
    p.async_post({0}, 1);
    p.async_post({1}, 1);
    while (gated::entered.load() != 2) { std::this_thread::yield(); }
    asio::cancellation_signal signal;
    error_code end;
    async_call_all(p, [](home) { return 1; }, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::vector<int>) { end = ec; }));
    signal.emit(asio::cancellation_type::terminal);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(end, asio::error::operation_aborted);
    EXPECT_EQ(gated::entered.load(), 2);
}

TEST_F(blocking, a_call_to_all_ends_on_the_handlers_executor_where_it_may_be_cancelled) {
    auto& p = open_plan<gated>(workers_of_one_node(2));
    run_context();
    asio::thread_pool elsewhere(1);
    asio::cancellation_signal signal;
    std::atomic<int> ended{0};
    std::atomic<int> there{0};
    constexpr int calls = 300;
    for (int i = 0; i < calls; ++i) {  // ThreadSanitizer sees an emission beside the end of one of the requests
        asio::post(elsewhere, [&] {
            async_call_all(p, [](home) { return 1; },
                           asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(elsewhere, [&](error_code, const std::vector<int>&) {
                                                            there += elsewhere.get_executor().running_in_this_thread();
                                                            ++ended;
                                                        })));
        });
        asio::post(elsewhere, [&] { signal.emit(asio::cancellation_type::all); });
        while (ended != i + 1) { std::this_thread::yield(); }
    }
    elsewhere.join();
    EXPECT_EQ(there.load(), calls);
}

TEST_F(call, a_call_to_all_that_a_stop_overtakes_ends_in_the_bridges_context) {
    auto& p = open_plan<gated>(workers_of_one_node(2));
    bool stopped = false;
    std::thread::id where;
    error_code end;
    async_call_all(
        p, [&](home) { return std::exchange(stopped, true) ? 1 : (bridge_->stop(0s), 1); },
        [&](error_code ec, const std::vector<int>&) {
            end = ec;
            where = std::this_thread::get_id();
        });
    io_.run();
    EXPECT_EQ(end, errc::stopped);
    EXPECT_EQ(where, std::this_thread::get_id());
}

}  // namespace
}  // namespace numasio::test
