// A worker whose CPU is taken from it: noticed, put right, told. Here by another's sched_setaffinity; CPUs that go
// offline and cpusets that shrink need a machine of their own (tests/numa_vm/worker_change_test.cpp).
#include "control_plane/bridge/bridge_fixture.hpp"
#include "control_plane/bridge/control_threads.hpp"
#include "support/threads.hpp"
#include "support/time_given.hpp"

#include <gmock/gmock.h>

#include <sched.h>
#include <unistd.h>

#include <new>

namespace numasio::test {
namespace {

/// Tells its thread's number, so that the test can take its CPU away.
struct telling {
    explicit telling(node_context&) { thread = ::gettid(); }
    int operator()(int x) const noexcept { return x; }
    static inline std::atomic<pid_t> thread{0};
};

class displacement : public call {
protected:
    /// May run anywhere, as the kernel does it to a thread whose CPU goes offline.
    static void widen(pid_t thread = telling::thread) {
        cpu_set_t all;
        CPU_ZERO(&all);
        for (const auto cpu : discover_topology().allowed_cpus()) { CPU_SET(cpu.value, &all); }
        ASSERT_EQ(::sched_setaffinity(thread, sizeof all, &all), 0);
    }
    static int cpus_of(pid_t thread) {
        cpu_set_t now;
        return ::sched_getaffinity(thread, sizeof now, &now) == 0 ? CPU_COUNT(&now) : -1;
    }
    static int cpus_of_worker() { return cpus_of(telling::thread); }
};

TEST_F(displacement, by_somebody_else_is_put_right_and_counted) {
    if (discover_topology().allowed_cpus().size() < 2) { FAIL() << "this machine has one CPU: nowhere else to go"; }
    open<telling>();
    ASSERT_EQ(cpus_of_worker(), 1);
    EXPECT_EQ(bridge_->status().workers.at(0).displacements, 0U);
    widen();
    EXPECT_TRUE(within(5s, [] { return cpus_of_worker() == 1; }));
    EXPECT_TRUE(within(5s, [&] { return bridge_->status().workers.at(0).displacements == 1; }));
    EXPECT_THAT(bridge_->status().degraded, ::testing::IsEmpty());
    widen();
    EXPECT_TRUE(within(5s, [&] { return bridge_->status().workers.at(0).displacements == 2; }));
}

TEST_F(displacement, of_a_control_thread_is_put_right_too) {
    open<telling>();
    std::atomic<pid_t> control{0};
    std::atomic<bool> ends{false};
    std::thread thread([&] {
        bridge_->pin_control_thread();
        control = ::gettid();
        while (!ends) { std::this_thread::sleep_for(1ms); }
    });
    ASSERT_TRUE(within(5s, [&] { return control != 0; }));
    widen(control);
    EXPECT_TRUE(within(5s, [&] { return cpus_of(control) == 1; }));
    const auto of_control = ::testing::Field(&placement::subject, placement_subject::control);
    EXPECT_THAT(bridge_->placements(), ::testing::Contains(of_control));
    ends = true;
    thread.join();
    // Its number may be another thread's from now on.
    EXPECT_THAT(bridge_->placements(), ::testing::Not(::testing::Contains(of_control)));
}

TEST_F(displacement, is_no_longer_looked_for_after_a_stop) {
    open<telling>();
    const auto before = running_threads();
    bridge_->stop(1s);
    EXPECT_EQ(running_threads(), before - 2);  // the worker's and the one that watched it
}

TEST_F(displacement, watch_does_not_keep_the_context_from_running_out_of_work) {
    open<telling>();
    bridge_->on_placement_change([](const auto&) { ADD_FAILURE() << "nothing changed"; });
    const time_given time;
    io_.run();
    EXPECT_LT(time.so_far(), 5s);
}

TEST(control_threads, whose_change_could_not_be_told_tell_it_at_the_next_look) {
    const auto all = discover_topology().allowed_cpus();
    std::thread([&] {
        const auto threads = std::make_shared<detail::control_threads>(std::vector{cpu_id{60'000}}, std::vector<std::vector<cpu_id>>{all});
        threads->pin_caller(false);
        EXPECT_THROW(threads->look([](const placement&) { throw std::bad_alloc(); }), std::bad_alloc);
        std::vector<placement> told;
        for (int look = 0; look < 3; ++look) { threads->look([&](const placement& p) { told.push_back(p); }); }
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].outcome, placement_outcome::degraded);
        EXPECT_EQ(told[0].got, threads->placements().at(0).got);
    }).join();
}

}  // namespace
}  // namespace numasio::test
