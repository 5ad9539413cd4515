// Health and readiness: what is said, and of whom.
#include <control_plane/metrics/health.hpp>

#include "example.hpp"

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

TEST(health, names_every_stuck_or_dead_worker) {
    auto e = test::two_nodes();
    EXPECT_TRUE(healthy(e.now).ok);
    EXPECT_TRUE(healthy(e.now).reason.empty());
    e.now.workers[0].state = worker_state::dead;
    e.now.workers[1].state = worker_state::stuck;
    EXPECT_FALSE(healthy(e.now).ok);
    EXPECT_EQ(healthy(e.now).reason, "worker kv/0 is dead, worker kv/1 is stuck");
}

TEST(health, is_good_before_the_start_and_after_an_orderly_stop) {
    auto e = test::two_nodes();
    for (const auto state : {worker_state::starting, worker_state::stopped}) {
        for (auto& w : e.now.workers) { w.state = state; }
        EXPECT_TRUE(healthy(e.now).ok);
    }
}

TEST(readiness, waits_for_workers_of_every_kind) {
    auto e = test::two_nodes();
    e.now.accepting = false;
    e.now.draining = true;
    for (auto& w : e.now.workers) { w.state = worker_state::stopped; }
    e.now.task_pools[0].workers[0].state = worker_state::stopped;
    EXPECT_EQ(ready(e.now).reason, "not accepting: draining");
    e.now.reactor_pools[0].workers[0].state = worker_state::stopped;
    EXPECT_EQ(ready(e.now).reason, "not accepting: stopped");
    e.now.workers.clear();
    EXPECT_EQ(ready(e.now).reason, "not accepting: stopped");
}

TEST(readiness, is_only_while_requests_are_accepted_and_says_why_not) {
    auto e = test::two_nodes();
    e.now.task_pools.clear();
    e.now.reactor_pools.clear();
    EXPECT_TRUE(ready(e.now).ok);
    e.now.accepting = false;
    EXPECT_FALSE(ready(e.now).ok);
    EXPECT_EQ(ready(e.now).reason, "not accepting: starting");
    e.now.draining = true;
    EXPECT_EQ(ready(e.now).reason, "not accepting: draining");
    for (auto& w : e.now.workers) { w.state = worker_state::stopped; }
    e.now.workers[1].state = worker_state::stuck;
    EXPECT_EQ(ready(e.now).reason, "not accepting: stopped, worker kv/1 is stuck");
    for (auto& w : e.now.workers) { w.state = worker_state::stopped; }
    EXPECT_EQ(ready(e.now).reason, "not accepting: stopped");
    for (auto& w : e.now.workers) { w.state = worker_state::starting; }
    EXPECT_EQ(ready(e.now).reason, "not accepting: not started yet");
    e.now.workers.clear();
    EXPECT_EQ(ready(e.now).reason, "not accepting: not started yet");
}

}  // namespace
}  // namespace numasio::detail
