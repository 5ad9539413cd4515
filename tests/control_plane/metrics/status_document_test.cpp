// The status document as a reader of JSON sees it.
#include <control_plane/metrics/status_document.hpp>

#include "example.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

namespace json = boost::json;

json::value read(const test::example& e) { return json::parse(status_json(e.view())); }

TEST(status_document, is_the_golden_document_for_the_example) {
    test::expect_golden("two_nodes.json", status_json(test::two_nodes().view()));
}

TEST(status_document, tells_which_limit_keeps_a_cpu_away_and_null_for_what_sets_none) {
    const auto doc = read(test::two_nodes());
    const auto& machine = doc.at("topology");
    EXPECT_TRUE(machine.at("cpus").at(0).at("denied_by").is_null());
    EXPECT_EQ(machine.at("cpus").at(3).at("denied_by").as_string(), "cpuset");
    EXPECT_EQ(machine.at("offline_cpus").at(0).to_number<int>(), 4);
    EXPECT_EQ(machine.at("limits").at("cpuset").as_string(), "/sys/fs/cgroup/kv");
    EXPECT_TRUE(machine.at("limits").at("affinity").is_null());
    EXPECT_TRUE(read(test::one_node()).at("topology").at("limits").is_null());
}

TEST(status_document, gives_the_firmwares_latency_in_seconds_and_null_where_it_gave_none) {
    const auto doc = read(test::two_nodes());
    const auto& accesses = doc.at("topology").at("accesses");
    EXPECT_DOUBLE_EQ(accesses.at(0).at("read_latency_seconds").as_double(), 80e-9);
    EXPECT_EQ(accesses.at(0).at("read_bytes_per_second").to_number<std::uint64_t>(), 100'000ULL << 20);
    EXPECT_TRUE(accesses.at(1).at("read_bytes_per_second").is_null());
}

TEST(status_document, says_null_where_locality_was_not_measured) {
    const auto doc = read(test::two_nodes());
    EXPECT_EQ(doc.at("workers").at(0).at("locality").at("page").as_double(), 1.0);
    EXPECT_EQ(doc.at("workers").at(0).at("locality").at("execution").as_double(), 0.975);
    EXPECT_TRUE(doc.at("workers").at(1).at("locality").at("page").is_null());
    EXPECT_TRUE(doc.at("workers").at(1).at("locality").at("execution").is_null());
}

TEST(status_document, says_null_for_the_page_locality_of_simulated_nodes) {
    const auto doc = read(test::simulated());
    EXPECT_TRUE(doc.at("topology").at("simulated").as_bool());
    for (const auto& worker : doc.at("workers").as_array()) {
        EXPECT_TRUE(worker.at("locality").at("page").is_null());
        EXPECT_EQ(worker.at("locality").at("pages_sampled").to_number<int>(), 0);
    }
}

TEST(status_document, tells_what_was_asked_what_was_got_and_the_error_between) {
    const auto doc = read(test::two_nodes());
    const auto& lost = doc.at("placements").at(4);
    EXPECT_EQ(lost.at("owner").as_string(), "kv/1");
    EXPECT_EQ(lost.at("outcome").as_string(), "degraded");
    EXPECT_EQ(lost.at("asked").as_string(), "64 MiB on node 1");
    EXPECT_EQ(lost.at("got").as_string(), "64 MiB, place unknown");
    EXPECT_EQ(lost.at("error").at("value").to_number<int>(), 1);
    EXPECT_TRUE(lost.at("pages").is_null()) << "not measured";
    EXPECT_EQ(doc.at("placements").at(2).at("pages").at("on_node").at("0").to_number<int>(), 1024);
    EXPECT_TRUE(doc.at("placements").at(0).at("error").is_null());
}

TEST(status_document, gives_quantiles_in_seconds_and_null_where_nothing_was_recorded) {
    auto e = test::two_nodes();
    e.now.workers[1].round_trip = {};
    const auto doc = read(e);
    const auto& trip = doc.at("workers").at(0).at("round_trip_seconds");
    EXPECT_EQ(trip.at("count").to_number<int>(), 96);
    EXPECT_NEAR(trip.at("p50").as_double(), 30e-6, 30e-6 * 0.126);
    EXPECT_NEAR(trip.at("p99").as_double(), 2e-3, 2e-3 * 0.126);
    EXPECT_GE(trip.at("p99.9").as_double(), trip.at("p99").as_double());
    const auto& nothing = doc.at("workers").at(1).at("round_trip_seconds");
    EXPECT_EQ(nothing.at("count").to_number<int>(), 0);
    for (const char* key : {"mean", "p50", "p90", "p99", "p99.9"}) { EXPECT_TRUE(nothing.at(key).is_null()) << key; }
}

TEST(status_document, says_auto_for_what_the_plan_left_open) {
    const auto doc = read(test::two_nodes());
    EXPECT_EQ(doc.at("plan").at("pools").at(0).at("nodes").as_string(), "auto");
    EXPECT_EQ(doc.at("plan").at("control").at("cpus").at(0).to_number<int>(), 0);
}

TEST(status_document, carries_readiness_health_and_the_reasons_of_both) {
    auto e = test::two_nodes();
    e.now.accepting = false;
    e.now.workers[1].state = worker_state::dead;
    const auto doc = read(e);
    EXPECT_FALSE(doc.at("ready").at("ok").as_bool());
    EXPECT_FALSE(doc.at("healthy").at("ok").as_bool());
    EXPECT_EQ(doc.at("healthy").at("reason").as_string(), "worker kv/1 is dead");
    EXPECT_EQ(doc.at("degraded").as_array().size(), 1U);
}

}  // namespace
}  // namespace numasio::detail
