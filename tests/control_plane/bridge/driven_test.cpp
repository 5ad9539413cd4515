// Workers that the caller's own loop runs.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/time_given.hpp"

#include <numasio/affinity.hpp>
#include <numasio/node_memory.hpp>

#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace numasio::test {
namespace {

plan driven(std::uint32_t capacity = 64) {
    auto asked = one_worker(capacity);
    asked.pools.front().idle.strategy = idle_strategy::caller_drives;
    return asked;
}

/// Answers on which thread it ran and was built; says whether it still is there.
struct settled_here {
    explicit settled_here(node_context&) { built_on = std::this_thread::get_id(), ++alive; }
    ~settled_here() { --alive; }
    int operator()(int x) {
        ran_on = std::this_thread::get_id();
        return x + 1;
    }
    static inline std::thread::id built_on, ran_on;
    static inline std::atomic<int> alive{0};
};

struct driven_worker : call {
    template <class Service>
    port<int, int>& open(std::uint32_t capacity = 64) { return open_plan<Service>(driven(capacity)); }
};

TEST_F(driven_worker, serves_while_it_is_invoked_and_only_then_on_the_invoking_thread) {
    auto& p = open<settled_here>();
    EXPECT_EQ(settled_here::built_on, std::this_thread::get_id());
    auto driver = bridge_->invoker_of("p", 0);
    EXPECT_EQ(driver.invoke(), 0U);
    std::vector<int> replies;
    for (int i = 0; i < 3; ++i) {
        p.async_call(p.at(0), i, [&](error_code ec, int reply) {
            EXPECT_FALSE(ec);
            replies.push_back(reply);
        });
    }
    std::this_thread::sleep_for(20ms);
    io_.poll();
    EXPECT_TRUE(replies.empty());
    std::thread loop([&] { EXPECT_EQ(driver.invoke(), 3U); });
    const auto driving = loop.get_id();
    loop.join();
    EXPECT_EQ(settled_here::ran_on, driving);
    io_.run();
    EXPECT_THAT(replies, ::testing::ElementsAre(1, 2, 3));
}

TEST_F(driven_worker, takes_a_batch_of_a_lane_at_a_turn) {
    auto& p = open<settled_here>(200);
    int replies = 0;
    for (int i = 0; i < 150; ++i) { p.async_call(p.at(0), i, [&](error_code ec, int) { replies += !ec; }); }
    auto driver = bridge_->invoker_of("p", 0);
    EXPECT_EQ(driver.invoke(), 64U);
    EXPECT_EQ(driver.invoke(), 64U);
    EXPECT_EQ(driver.invoke(), 22U);
    EXPECT_EQ(driver.invoke(), 0U);
    io_.run();
    EXPECT_EQ(replies, 150);
}

TEST_F(driven_worker, that_nobody_drives_is_finished_by_a_stop_which_destroys_its_service) {
    auto& p = open<settled_here>(200);
    int replies = 0;
    for (int i = 0; i < 150; ++i) { p.async_call(p.at(0), i, [&](error_code ec, int) { replies += !ec; }); }
    EXPECT_EQ(settled_here::alive, 1);
    EXPECT_TRUE(bridge_->stop(5s).drained());
    EXPECT_EQ(settled_here::alive, 0);
    io_.run();
    EXPECT_EQ(replies, 150);
    EXPECT_EQ(bridge_->status().workers.front().state, worker_state::stopped);
}

TEST_F(driven_worker, keeps_the_deadline_of_the_stop_that_finishes_it) {
    auto& p = open<sleeper>();
    int served = 0;
    int stopped = 0;
    for (int i = 0; i < 60; ++i) {
        p.async_call(p.at(0), 20, [&](error_code ec, int) { ++(ec == errc::stopped ? stopped : served); });
    }
    const time_given time;
    const auto report = bridge_->stop(100ms);
    EXPECT_LT(time.so_far(), 600ms);  // all of them: 1.2 s
    EXPECT_EQ(report.stuck, 0U);
    EXPECT_GT(report.stopped, 0U);
    io_.run();
    EXPECT_GT(served, 0);
    EXPECT_EQ(static_cast<std::uint64_t>(stopped), report.stopped);
    EXPECT_EQ(served + stopped, 60);
}

TEST_F(driven_worker, whose_lane_is_full_of_stopped_requests_ends_before_they_are_delivered) {
    auto& p = open<settled_here>(4);
    int stopped = 0;
    for (int i = 0; i < 4; ++i) { p.async_call(p.at(0), i, [&](error_code ec, int) { stopped += ec == errc::stopped; }); }
    EXPECT_EQ(bridge_->stop(0s).stopped, 4U);
    io_.run();
    EXPECT_EQ(stopped, 4);
}

TEST_F(driven_worker, whose_driver_does_not_come_back_is_reported_stuck_and_ends_when_it_does) {
    auto& p = open<gated>();
    gated::closed = true;
    std::vector<error_code> ended;
    for (int i = 0; i < 3; ++i) { p.async_call(p.at(0), i, [&](error_code ec, int) { ended.push_back(ec); }); }
    auto driver = bridge_->invoker_of("p", 0);
    std::thread loop([&] { EXPECT_EQ(driver.invoke(), 3U); });  // two of them are found to be stopped
    while (gated::entered == 0) { std::this_thread::yield(); }
    const auto report = bridge_->stop(50ms);
    EXPECT_EQ(report.stuck, 1U);
    EXPECT_EQ(report.stopped, 2U);
    gated::closed = false;
    loop.join();
    io_.run();
    EXPECT_EQ(ended.size(), 3U);
    EXPECT_THAT(ended, ::testing::Contains(error_code()).Times(1));
    EXPECT_THAT(ended, ::testing::Contains(error_code(errc::stopped)).Times(2));
}

/// Keeps one block, and tells how many of those that it let go of were somebody else's.
struct allocating {
    explicit allocating(node_context& context) : memory(dynamic_cast<node_memory&>(context.memory())), block(memory.allocate(64)) {}
    ~allocating() { memory.deallocate(block, 64); }
    int operator()(int) {
        memory.deallocate(std::exchange(block, memory.allocate(64)), 64);
        return static_cast<int>(memory.foreign_frees());
    }
    node_memory& memory;
    void* block;
};

TEST_F(driven_worker, has_its_memory_on_the_thread_that_drives_it) {
    auto& p = open<allocating>();
    int foreign = -1;
    for (int i = 0; i < 3; ++i) { p.async_call(p.at(0), 0, [&](error_code, int n) { foreign = n; }); }
    std::thread([driver = bridge_->invoker_of("p", 0)]() mutable { EXPECT_EQ(driver.invoke(), 3U); }).join();
    io_.poll();
    EXPECT_EQ(foreign, 0);
}

struct reentrant {
    explicit reentrant(node_context&) {}
    int operator()(int) const { return static_cast<int>(driver->invoke()); }
    static inline std::optional<invoker> driver;
};

TEST_F(driven_worker, is_not_entered_from_inside_its_service) {
    auto& p = open<reentrant>();
    reentrant::driver = bridge_->invoker_of("p", 0);
    int inner = -1;
    p.async_call(p.at(0), 1, [&](error_code, int n) { inner = n; });
    EXPECT_EQ(reentrant::driver->invoke(), 1U);
    io_.run();
    EXPECT_EQ(inner, 0);
    reentrant::driver.reset();
}

TEST_F(driven_worker, is_served_by_one_thread_at_a_time_however_many_invoke) {
    auto& p = open<settled_here>(64);  // not atomic: what two threads would do at once, ThreadSanitizer tells
    constexpr int calls = 20'000;
    std::atomic<int> replies{0};
    std::atomic<bool> ends{false};
    std::vector<std::thread> loops;
    for (int i = 0; i < 3; ++i) {
        loops.emplace_back([&, driver = bridge_->invoker_of("p", 0)]() mutable {
            while (!ends) {
                if (driver.invoke() == 0) { std::this_thread::yield(); }
            }
        });
    }
    auto keep = asio::make_work_guard(io_);
    std::thread control([&] { io_.run(); });
    int sent = 0;
    while (sent < calls) {
        p.async_call(p.at(0), 1, [&](error_code ec, int) { replies += !ec ? 1 : 0; });
        if (++sent % 64 == 0) {
            while (replies + 32 < sent && bridge_->status().workers.front().lanes.front().rejected == 0) { std::this_thread::yield(); }
        }
    }
    const auto rejected = [&] { return static_cast<int>(sum(bridge_->status(), &lane_status::rejected)); };
    while (replies + rejected() < calls) { std::this_thread::yield(); }
    ends = true;
    for (auto& loop : loops) { loop.join(); }
    keep.reset();
    control.join();
    EXPECT_EQ(replies + rejected(), calls);
}

TEST_F(driven_worker, has_an_invoker_that_outlives_the_bridge_and_does_nothing) {
    open<settled_here>();
    auto driver = bridge_->invoker_of("p", 0);
    bridge_->stop(1s);
    EXPECT_EQ(driver.invoke(), 0U);
    bridge_.reset();
    EXPECT_EQ(driver.invoke(), 0U);
}

TEST_F(driven_worker, is_pinned_where_its_invoker_is_told_to) {
    open<settled_here>();
    const auto cpu_placement = [&] {
        for (auto& p : bridge_->placements()) {
            if (p.subject == placement_subject::cpu) { return p; }
        }
        return placement{};
    };
    EXPECT_EQ(cpu_placement().outcome, placement_outcome::not_enforced);
    EXPECT_THAT(cpu_placement().why, ::testing::HasSubstr("caller_drives"));
    std::thread([&] {
        bridge_->invoker_of("p", 0).pin();
        EXPECT_THAT(this_thread_cpus(), ::testing::ElementsAre(bridge_->sites().workers.front().cpu));
    }).join();
    EXPECT_EQ(cpu_placement().outcome, placement_outcome::honoured);
}

TEST_F(driven_worker, that_is_asked_for_where_there_is_none_is_an_error_that_says_why) {
    const auto refusal = [&](std::string_view pool, std::uint32_t worker) {
        try {
            static_cast<void>(bridge_->invoker_of(pool, worker));
        } catch (const boost::system::system_error& e) { return e.code(); }
        return error_code();
    };
    bridge_.emplace(io_, driven());
    bridge_->open<int, int, settled_here>("p");
    EXPECT_EQ(refusal("p", 0), errc::not_started);
    EXPECT_EQ(refusal("q", 0), errc::unknown_pool);
    bridge_->start();
    EXPECT_EQ(refusal("p", 1), errc::no_worker);
    bridge_->stop(1s);
    bridge_.emplace(io_, one_worker());
    bridge_->open<int, int, incrementer>("p");
    bridge_->start();
    EXPECT_EQ(refusal("p", 0), errc::not_driven);
}

struct unbuildable {
    explicit unbuildable(node_context&) { throw std::runtime_error("no"); }
    int operator()(int x) const { return x; }
};

TEST_F(driven_worker, whose_service_cannot_be_built_fails_the_start) {
    bridge_.emplace(io_, driven());
    bridge_->open<int, int, unbuildable>("p");
    try {
        bridge_->start();
        ADD_FAILURE() << "started";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::service_failed);
        EXPECT_THAT(e.what(), ::testing::HasSubstr("p/0"));
    }
}

}  // namespace
}  // namespace numasio::test
