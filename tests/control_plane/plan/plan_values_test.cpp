// What a valid plan means: every key, every default, every shorthand.
#include "control_plane/plan/plan_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using testing::ElementsAre;

const std::string everything = R"(version: 1                      # required
control:
  cpus: 3
drain: 7s
simulate_nodes: 2
listeners:
  redis: 127.0.0.1:7379
  http: "[::1]:0"
pools:
  kv:
    nodes: [0, 2]
    cpus: "0-2,8"
    workers_per_node: 2
    memory: {policy: preferred, per_worker: 256MiB}
    lane: {capacity: 4096, producers: 8, when_full: reject}
    idle: {strategy: busy_spin, spin: 1.5ms}
    slo: {quantile: 0.999, target: 250us}
    enforcement: strict
)";

TEST(plan_values, every_key_reaches_its_place) {
    const plan p = parse_plan(everything);
    EXPECT_THAT(p.control.cpus.value(), ElementsAre(cpu_id{3}));
    EXPECT_EQ(p.drain, 7s);
    EXPECT_EQ(p.simulate_nodes, 2U);
    ASSERT_EQ(p.listeners.size(), 2U);
    EXPECT_EQ(p.find_listener("redis")->address, "127.0.0.1");
    EXPECT_EQ(p.find_listener("redis")->port, 7379);
    EXPECT_EQ(p.find_listener("http")->address, "::1");
    EXPECT_EQ(p.find_listener("http")->port, 0);
    ASSERT_EQ(p.pools.size(), 1U);
    const pool_plan& kv = *p.find_pool("kv");
    EXPECT_THAT(kv.nodes.value(), ElementsAre(node_id{0}, node_id{2}));
    EXPECT_THAT(kv.cpus.value(), ElementsAre(cpu_id{0}, cpu_id{1}, cpu_id{2}, cpu_id{8}));
    EXPECT_EQ(kv.workers_per_node, 2U);
    EXPECT_EQ(kv.memory.policy, memory_policy::preferred);
    EXPECT_EQ(kv.memory.per_worker, 256_MiB);
    EXPECT_EQ(kv.lane.capacity, 4096U);
    EXPECT_EQ(kv.lane.producers, 8U);
    EXPECT_EQ(kv.lane.full, when_full::reject);
    EXPECT_EQ(kv.idle.strategy, idle_strategy::busy_spin);
    EXPECT_EQ(kv.idle.spin, 1'500us);
    ASSERT_TRUE(kv.slo);
    EXPECT_EQ(kv.slo->quantile, 0.999);
    EXPECT_EQ(kv.slo->target, 250us);
    EXPECT_EQ(kv.enforce, enforcement::strict);
}

TEST(plan_values, every_key_that_is_present_has_its_place_marked) {
    const plan p = parse_plan(everything, "risk.yaml");
    const auto at = [&](const char* key) {
        const auto found = p.marks.find(key);
        return found == p.marks.end() ? "nowhere"
                                      : found->second.file + ":" + std::to_string(found->second.line) + ":" +
                                            std::to_string(found->second.column);
    };
    EXPECT_EQ(at("version"), "risk.yaml:1:1");
    EXPECT_EQ(at("control"), "risk.yaml:2:1");
    EXPECT_EQ(at("control.cpus"), "risk.yaml:3:3");
    EXPECT_EQ(at("listeners.http"), "risk.yaml:8:3");
    EXPECT_EQ(at("pools.kv"), "risk.yaml:10:3");
    EXPECT_EQ(at("pools.kv.memory.per_worker"), "risk.yaml:14:33");
    EXPECT_EQ(at("pools.kv.enforcement"), "risk.yaml:18:5");
    EXPECT_EQ(p.marks.size(), 27U);
}

TEST(plan_values, version_and_one_pool_are_enough) {
    const plan p = parse_plan("version: 1\npools: {kv: auto}\n");
    const plan code;
    const pool_plan& kv = p.pools.at(0);
    EXPECT_EQ(kv.name, "kv");
    EXPECT_FALSE(p.control.cpus || kv.nodes || kv.cpus || kv.workers_per_node || kv.slo);
    EXPECT_EQ(p.drain, code.drain);
    EXPECT_TRUE(p.listeners.empty());
    EXPECT_EQ(to_yaml(p), to_yaml(parse_plan("version: 1\npools: {kv: {}}\n")));
}

TEST(plan_values, a_plain_value_stands_for_a_sections_main_key) {
    const plan p = parse_plan(
        "version: 1\ncontrol: [1, 0]\npools:\n"
        "  kv: {memory: 2MiB, lane: 16, idle: park, slo: 3ms}\n");
    const pool_plan& kv = p.pools.at(0);
    EXPECT_THAT(p.control.cpus.value(), ElementsAre(cpu_id{0}, cpu_id{1}));
    EXPECT_EQ(kv.memory.per_worker, 2_MiB);
    EXPECT_EQ(kv.lane.capacity, 16U);
    EXPECT_EQ(kv.idle.strategy, idle_strategy::park);
    EXPECT_EQ(kv.slo.value().target, 3ms);
    EXPECT_EQ(kv.slo->quantile, slo_plan{}.quantile);
    EXPECT_EQ(p.marks.at("pools.kv.lane.capacity").column, 28);
}

TEST(plan_values, a_promise_of_none_is_no_promise_and_none_is_no_other_sections_value) {
    for (const char* none : {"    slo: none\n", "    slo: \"none\"\n", ""}) {
        const plan p = parse_plan(pool_with(std::string("    lane: 16\n") + none));
        EXPECT_FALSE(p.pools.at(0).slo.has_value()) << none;
    }
    EXPECT_TRUE(parse_plan(pool_with("    slo: {}\n")).pools.at(0).slo.has_value());
    EXPECT_FALSE(parse_plan(pool_with("    lane: {bulk: none}\n")).pools.at(0).lane.bulk.has_value());
    EXPECT_EQ(parse_plan(pool_with("    lane: {bulk: 17}\n")).pools.at(0).lane.bulk->capacity, 17U);
    for (const char* section : {"control", "listeners", "pools"}) {
        EXPECT_NE(error_text("version: 1\n" + std::string(section) + ": none\n"), "") << section;
    }
    for (const char* section : {"memory", "lane", "idle"}) {
        EXPECT_NE(error_text(pool_with("    " + std::string(section) + ": none\n")), "") << section;
    }
}

TEST(plan_values, numbers_are_one_a_list_or_ranges) {
    const auto cpus = [](const std::string& text) {
        return ids_text(parse_plan(pool_with("    cpus: " + text + "\n")).pools.at(0).cpus);
    };
    EXPECT_EQ(cpus("auto"), "auto");
    EXPECT_EQ(cpus("0"), "[0]");
    EXPECT_EQ(cpus("[3, 1]"), "[1, 3]");
    EXPECT_EQ(cpus("\"0-1,4\""), "[0, 1, 4]");
    EXPECT_EQ(cpus("0-1,4"), "[0, 1, 4]");
    EXPECT_EQ(cpus("[0-1, 4]"), "[0, 1, 4]");
    EXPECT_EQ(cpus("\"2, 6 - 7\""), "[2, 6, 7]");
    EXPECT_EQ(cpus("65535"), "[65535]");
}

TEST(plan_values, durations_are_exact_in_every_unit) {
    const auto drain = [](const std::string& text) {
        return parse_plan("version: 1\ndrain: " + text + "\npools: {kv: auto}\n").drain.count();
    };
    EXPECT_EQ(drain("100ns"), 100);
    EXPECT_EQ(drain("20us"), 20'000);
    EXPECT_EQ(drain("1.5ms"), 1'500'000);
    EXPECT_EQ(drain("1.50ms"), 1'500'000);
    EXPECT_EQ(drain("5s"), 5'000'000'000);
    EXPECT_EQ(drain("0s"), 0);
    EXPECT_EQ(drain("0.000000001s"), 1);
    EXPECT_EQ(drain("\"3600s\""), 3'600'000'000'000);
}

TEST(plan_values, sizes_are_exact_in_every_unit) {
    const auto size = [](const std::string& text) {
        return parse_plan(pool_with("    memory: " + text + "\n")).pools.at(0).memory.per_worker.value;
    };
    EXPECT_EQ(size("1048576B"), 1U << 20);
    EXPECT_EQ(size("1024KiB"), 1U << 20);
    EXPECT_EQ(size("1.5MiB"), 3U << 19);
    EXPECT_EQ(size("2GiB"), 1ULL << 31);
    EXPECT_EQ(size("16TiB"), 1ULL << 44);
}

TEST(plan_values, byte_order_mark_and_windows_line_breaks_are_fine) {
    const plan p = parse_plan("\xEF\xBB\xBFversion: 1\r\npools:\r\n  kv: {idle: park}\r\n");
    EXPECT_EQ(p.pools.at(0).idle.strategy, idle_strategy::park);
}

}  // namespace
}  // namespace numasio::test
