// Plans, their errors and placements as values: words and look-ups.
#include <numasio/errc.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>
#include <numasio/plan_error.hpp>
#include <numasio/status.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace {

using namespace numasio;

TEST(plan, pools_and_listeners_are_found_by_name) {
    plan p;
    p.pools.resize(2);
    p.pools[0].name = "kv";
    p.pools[1].name = "risk";
    p.listeners.push_back({"http", "127.0.0.1", 9464});
    EXPECT_EQ(p.find_pool("risk"), &p.pools[1]);
    EXPECT_EQ(p.find_pool("ris"), nullptr);
    EXPECT_EQ(p.find_pool(""), nullptr);
    EXPECT_EQ(p.find_listener("http"), &p.listeners[0]);
    EXPECT_EQ(p.find_listener("kv"), nullptr);
}

TEST(plan, words_are_those_of_the_yaml) {
    EXPECT_EQ(to_string(memory_policy::bind), "bind");
    EXPECT_EQ(to_string(memory_policy::preferred), "preferred");
    EXPECT_EQ(to_string(memory_policy::local), "local");
    EXPECT_EQ(to_string(enforcement::strict), "strict");
    EXPECT_EQ(to_string(enforcement::best_effort), "best_effort");
    EXPECT_EQ(to_string(idle_strategy::busy_spin), "busy_spin");
    EXPECT_EQ(to_string(idle_strategy::spin_then_park), "spin_then_park");
    EXPECT_EQ(to_string(idle_strategy::park), "park");
    EXPECT_EQ(to_string(when_full::reject), "reject");
    EXPECT_EQ(to_string(worker_state::stuck), "stuck");
}

TEST(plan_error, tells_every_problem_on_its_own_line_with_place_and_remedy) {
    const plan_error error({
        {{"risk.yaml", 12, 5}, "pools.kv.lane.capcity", "unknown key", "capacity or producers", "capacity"},
        {{"", 0, 0}, "pools.kv.cpus", "CPU 9 is not allowed", "one of 0-3", ""},
        {{"risk.yaml", 0, 0}, "", "cannot be read", "", ""},
    });
    EXPECT_STREQ(error.what(),
                 "risk.yaml:12:5: pools.kv.lane.capcity: unknown key; expected capacity or producers (capacity)\n"
                 "pools.kv.cpus: CPU 9 is not allowed; expected one of 0-3\n"
                 "risk.yaml: cannot be read");
    EXPECT_EQ(error.problems().size(), 3U);
    EXPECT_EQ(error.problems()[0].where.column, 5);
}

TEST(errc, texts_are_true_of_all_that_report_them) {
    const auto text = [](errc e) { return make_error_code(e).message(); };
    // A pool, and a sharded on it, may be without a bridge.
    EXPECT_EQ(text(errc::stopped), "the bridge, pool or sharded object has been stopped");
    EXPECT_EQ(text(errc::forked), "this process is a fork of the one that started the bridge or pool");
    EXPECT_EQ(text(errc::not_started), "the bridge, or the sharded object, has not been started");
    EXPECT_EQ(text(errc::already_started), "only allowed before the bridge, or the sharded object, is started");
    // A number beyond the last; node_pool::on(node); sharded::local().
    EXPECT_EQ(text(errc::no_worker), "no such worker or shard: there is none of that number, on that node, or on this thread");
    // port::blocking_call(), sharded::start() and stop(); node_pool::join(), which has no other form.
    EXPECT_EQ(text(errc::may_not_block), "this thread delivers the replies, serves the requests or runs the tasks, so it must not wait for them; use the call's async_ form where there is one");
}

TEST(errc, each_has_a_text_of_its_own) {
    const auto text = [](int value) { return error_code(value, category()).message(); };
    const auto last = static_cast<int>(errc::not_the_owner);
    const auto unknown = text(last + 1);
    EXPECT_EQ(unknown, text(0));
    std::set<std::string> seen = {unknown};
    for (int value = 1; value <= last; ++value) { EXPECT_TRUE(seen.insert(text(value)).second) << value << ": " << text(value); }
}

TEST(placement, nothing_said_means_nothing_enforced) {
    EXPECT_EQ(placement{}.outcome, placement_outcome::not_enforced);
    EXPECT_EQ(to_text(placement{}), "cpu: asked nothing, got nothing (not enforced)");
}

TEST(placement, one_line_says_asked_got_and_why) {
    placement p;
    p.owner = "kv/0";
    p.outcome = placement_outcome::honoured;
    p.asked = p.got = "CPU 1";
    EXPECT_EQ(to_text(p), "kv/0 cpu: asked CPU 1, got CPU 1 (honoured)");
    p.subject = placement_subject::service_memory;
    p.outcome = placement_outcome::degraded;
    p.asked = "bind to node 1";
    p.got = "first touch";
    p.why = "mbind was refused";
    p.error = error_code(EPERM, boost::system::system_category());
    p.pages = page_audit{10, 3, {{{0}, 5}, {{1}, 2}}};
    EXPECT_EQ(to_text(p), "kv/0 service_memory: asked bind to node 1, got first touch, 5 pages on node 0, "
                          "2 pages on node 1, 3 pages unknown (degraded: mbind was refused; Operation not permitted)");
}

TEST(placement, outcomes_and_subjects_have_words) {
    EXPECT_EQ(to_string(placement_outcome::simulated), "simulated");
    EXPECT_EQ(to_string(placement_outcome::degraded), "degraded");
    EXPECT_EQ(to_string(placement_subject::lane_memory), "lane_memory");
    EXPECT_EQ(to_string(placement_subject::queue_memory), "queue_memory");
    EXPECT_EQ(to_string(placement_subject::priority), "priority");
    EXPECT_EQ(to_string(placement_subject::thread_memory), "thread_memory");
    EXPECT_EQ(to_string(placement_subject::control), "control");
}

TEST(page_audit, a_ratio_counts_located_pages_only_and_is_absent_without_any) {
    page_audit audit;
    EXPECT_EQ(audit.ratio({0}), std::nullopt);
    audit = {10, 2, {{{0}, 6}, {{3}, 2}}};
    EXPECT_EQ(audit.ratio({0}), 0.75);
    EXPECT_EQ(audit.ratio({1}), 0.0);
    EXPECT_EQ(audit.on({3}), 2U);
}

}  // namespace
