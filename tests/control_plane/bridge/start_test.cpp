// What start, open and the control thread's pin promise, and what a failed or interrupted start leaves behind.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/affinity.hpp>

#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <exception>
#include <thread>

namespace numasio::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct broken {
    explicit broken(node_context&) { throw std::runtime_error("no table for today"); }
    int operator()(int x) const { return x; }
};

template <class F>
error_code code_of(F&& f) {
    try {
        f();
    } catch (const boost::system::system_error& e) {
        return e.code();
    }
    return {};
}

TEST(start, a_service_that_cannot_be_built_fails_it_by_name_and_leaves_nothing_behind) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    b.open<int, int, broken>("p");
    try {
        b.start();
        FAIL() << "started";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::service_failed);
        EXPECT_THAT(e.what(), AllOf(HasSubstr("p/0 on CPU "), HasSubstr("no table for today")));
        EXPECT_THROW(std::rethrow_if_nested(e), std::runtime_error);
    }
    EXPECT_FALSE(b.status().accepting);
    EXPECT_TRUE(b.status().workers.empty());
}

/// A constructor that takes its time.
TEST(start, that_fails_in_one_pool_ends_the_workers_that_still_make_their_lanes) {
    auto asked = one_worker();
    auto other = asked.pools.front();
    other.name = "q";
    other.lane.producers = 1024;
    asked.pools.push_back(other);
    for (int i = 0; i < 5; ++i) {
        asio::io_context io;
        bridge b{io.get_executor(), asked};
        b.open<int, int, broken>("p");
        b.open<int, int, incrementer>("q");
        EXPECT_EQ(code_of([&] { b.start(); }), errc::service_failed);
        EXPECT_TRUE(b.status().workers.empty());
    }
}

struct slow_to_build {
    explicit slow_to_build(node_context&) {
        building = true;
        while (!go_on.load()) { std::this_thread::yield(); }
    }
    int operator()(int x) const noexcept { return x; }
    static inline std::atomic<bool> building{false};
    static inline std::atomic<bool> go_on{false};
};

TEST(start, gives_up_where_a_stop_comes_meanwhile) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    b.open<int, int, slow_to_build>("p");
    error_code started;
    std::thread starter([&] { started = code_of([&] { b.start(); }); });
    while (!slow_to_build::building.load()) { std::this_thread::yield(); }
    std::atomic<bool> asked{false};
    std::thread stopper([&] {
        asked = true;
        EXPECT_TRUE(b.stop(1s).drained());
    });
    while (!asked.load()) { std::this_thread::yield(); }
    std::this_thread::sleep_for(20ms);  // most likely inside stop() by now; either way start() must not win
    slow_to_build::go_on = true;
    starter.join();
    stopper.join();
    EXPECT_EQ(started, errc::stopped);
    EXPECT_FALSE(b.status().accepting);
}

TEST(start, after_a_stop_is_refused_and_calls_are_too) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<int, int, incrementer>("p");
    b.stop(0s);
    EXPECT_EQ(code_of([&] { b.start(); }), errc::stopped);
    error_code got;
    p.async_call({0}, 1, [&](error_code ec, int) { got = ec; });
    io.run();
    EXPECT_EQ(got, errc::stopped);
}

TEST(start, takes_a_context_as_asios_own_objects_do) {
    asio::io_context io;
    bridge b{io, one_worker()};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    int got = 0;
    p.async_call({0}, 1, [&](error_code, int answer) { got = answer; });
    io.run();
    EXPECT_EQ(got, 2);
    EXPECT_EQ(p.get_executor(), io.get_executor());
}

TEST(control_thread, is_pinned_to_the_control_cpus_and_says_so_in_the_placements) {
    asio::io_context io;
    bridge b{io, one_worker()};
    EXPECT_TRUE(b.placements().empty());
    std::vector<cpu_id> mask;
    std::vector<placement> placed;
    std::thread([&] {  // not the test's own thread: it would stay pinned
        b.pin_control_thread();
        b.pin_control_thread();  // the same thread, the same placement
        mask = this_thread_cpus();
        std::thread([&] {  // another one, while this lives
            b.pin_control_thread();
            placed = b.placements();
        }).join();
    }).join();
    EXPECT_EQ(mask, b.sites().control);
    ASSERT_EQ(placed.size(), 2U);
    EXPECT_EQ(placed[0].subject, placement_subject::control);
    EXPECT_EQ(placed[0].owner, "control");
    EXPECT_EQ(placed[0].outcome, placement_outcome::honoured) << to_text(placed[0]);
    EXPECT_EQ(placed[1].owner, "control/1");
    EXPECT_TRUE(b.placements().empty());  // threads that ended are nowhere
}

TEST(bridge, that_is_gone_leaves_no_workers_memory_to_its_ports) {
    struct address {
        explicit address(node_context& node) : block(node.memory().allocate(64)) {}
        void* operator()(int) const noexcept { return block; }
        void* block;
    };
    asio::io_context io;
    std::optional<port<int, void*>> copy;
    void* inside = nullptr;
    {
        bridge b{io, one_worker()};
        copy = b.open<int, void*, address>("p");
        b.start();
        copy->async_call({0}, 1, [&](error_code, void* block) { inside = block; });
        io.run();
    }
    ASSERT_NE(inside, nullptr);
    auto* const page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(inside) & ~std::uintptr_t{4095});
    unsigned char resident = 0;
    EXPECT_EQ(::mincore(page, 4096, &resident), -1) << "still mapped";
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(copy->try_reserve({0}).error(), errc::stopped);
}

}  // namespace
}  // namespace numasio::test
