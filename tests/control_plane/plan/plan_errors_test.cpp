// What an invalid plan says: for each mistake the line, the column, the key and the remedy.
#include "control_plane/plan/plan_text.hpp"

#include <numasio/layout.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace numasio::test {
namespace {

struct mistake {
    const char* promise;
    std::string yaml;
    int line;
    int column;
    const char* key;
    const char* what;
    const char* suggestion;
};

void PrintTo(const mistake& m, std::ostream* out) { *out << m.promise; }

class plan_mistake : public testing::TestWithParam<mistake> {};

TEST_P(plan_mistake, is_told_with_its_place_and_remedy) {
    const mistake& m = GetParam();
    const auto problems = problems_of(m.yaml);
    ASSERT_EQ(problems.size(), 1U) << error_text(m.yaml);
    const plan_problem& p = problems[0];
    EXPECT_EQ(p.where.file, "plan.yaml");
    EXPECT_EQ(p.where.line, m.line);
    EXPECT_EQ(p.where.column, m.column);
    EXPECT_EQ(p.key, m.key);
    EXPECT_EQ(p.what, m.what);
    EXPECT_EQ(p.suggestion, m.suggestion);
    EXPECT_FALSE(p.expected.empty());
}

const std::string ok_pools = "pools: {kv: auto}\n";
const std::string ok = "version: 1\n" + ok_pools;

INSTANTIATE_TEST_SUITE_P(
    keys, plan_mistake,
    testing::Values(
        mistake{"unknown_key", pool_with("    nods: auto\n"), 4, 5, "pools.kv.nods", "unknown key",
                "did you mean nodes?"},
        mistake{"unknown_key_at_the_top", "version: 1\npool: {}\n" + ok_pools, 2, 1, "pool", "unknown key",
                "did you mean pools?"},
        mistake{"key_of_another_section", pool_with("    capacity: 4\n"), 4, 5, "pools.kv.capacity", "unknown key",
                "it belongs at pools.NAME.lane.capacity"},
        mistake{"unknown_key_like_none", ok + "zebra: 1\n", 3, 1, "zebra", "unknown key", ""},
        mistake{"duplicate_key", pool_with("    lane: 4\n    idle: park\n    lane: 5\n"), 6, 5, "pools.kv.lane",
                "is given twice", "it stands on line 4 already"},
        mistake{"duplicate_pool", "version: 1\npools:\n  kv: auto\n  kv: auto\n", 4, 3, "pools.kv", "is given twice",
                "it stands on line 3 already"},
        mistake{"duplicate_key_at_the_top", ok + "version: 1\n", 3, 1, "version", "is given twice",
                "it stands on line 1 already"},
        mistake{"missing_version", "# a plan\n\n" + ok_pools, 3, 1, "version", "is missing", "add \"version: 1\""},
        mistake{"missing_pools", "version: 1\n", 1, 1, "pools", "is missing", ""},
        mistake{"empty_pools", "version: 1\npools: {}\n", 2, 8, "pools", "names nothing", ""},
        mistake{"pools_without_value", "version: 1\npools:\n", 2, 1, "pools", "has no value", ""},
        mistake{"pool_without_value", "version: 1\npools:\n  kv:\n", 3, 3, "pools.kv", "has no value",
                "remove the key to take its default"},
        mistake{"pools_as_list", "version: 1\npools: [kv]\n", 2, 8, "pools", "is a list", ""},
        mistake{"bad_pool_name", "version: 1\npools: {a.b: auto}\n", 2, 9, "pools.\"a.b\"", "is not a name", ""},
        mistake{"merge_key", ok + "<<: {drain: 1s}\n", 3, 1, "", "a merge key (<<)", ""},
        mistake{"key_that_is_a_list", ok + "? [a]\n: 1\n", 3, 3, "", "a key that is a list", ""},
        mistake{"plan_that_is_a_list", "- version: 1\n", 1, 1, "", "is a list", ""},
        mistake{"plan_that_is_a_word", "hello\n", 1, 1, "", "is \"hello\"", ""}));

INSTANTIATE_TEST_SUITE_P(
    values, plan_mistake,
    testing::Values(
        mistake{"other_version", "version: 2\n" + ok_pools, 1, 10, "version",
                "\"2\" is a version of the format that this numasio does not read",
                "write \"version: 1\" and the keys of docs/plan.md, or use the numasio that the plan was written for"},
        mistake{"version_before_the_first", "version: 0\n" + ok_pools, 1, 10, "version",
                "\"0\" is a version of the format that this numasio does not read",
                "write \"version: 1\" and the keys of docs/plan.md, or use the numasio that the plan was written for"},
        mistake{"octal_look", pool_with("    lane: {capacity: 010}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"010\" has a leading zero, which some YAML readers take for octal", "write 10"},
        mistake{"quoted_number", pool_with("    lane: {capacity: \"10\"}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"10\" is in quotes, which makes it a text", "remove the quotes"},
        mistake{"separated_number", pool_with("    lane: {capacity: 1_000}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"1_000\" is not a whole number", "write 1000"},
        mistake{"negative_number", pool_with("    lane: {capacity: -1}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"-1\" is not a whole number", ""},
        mistake{"hexadecimal_number", pool_with("    lane: {capacity: 0x10}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"0x10\" is not a whole number", ""},
        mistake{"zero_capacity", pool_with("    lane: {capacity: 0}\n"), 4, 22, "pools.kv.lane.capacity",
                "\"0\" is too small", ""},
        mistake{"capacity_beyond_64_bits", pool_with("    lane: {capacity: 99999999999999999999999}\n"), 4, 22,
                "pools.kv.lane.capacity", "\"99999999999999999999999\" is too large", ""},
        mistake{"word_slip", pool_with("    idle: spin_than_park\n"), 4, 11, "pools.kv.idle.strategy",
                "\"spin_than_park\" is not known", "did you mean spin_then_park?"},
        mistake{"word_as_list", pool_with("    enforcement: [strict]\n"), 4, 18, "pools.kv.enforcement", "is a list",
                ""},
        mistake{"not_a_number", pool_with("    slo: {quantile: .nan}\n"), 4, 21, "pools.kv.slo.quantile",
                "\".nan\" is not a decimal number", ""},
        mistake{"slip_of_none", pool_with("    slo: non\n"), 4, 10, "pools.kv.slo.target",
                "\"non\" is not a duration", "did you mean none?"},
        mistake{"percent", pool_with("    slo: {quantile: 99.9%}\n"), 4, 21, "pools.kv.slo.quantile",
                "\"99.9%\" is not a decimal number", "did you mean 0.999?"},
        mistake{"quantile_of_one", pool_with("    slo: {quantile: 1.0}\n"), 4, 21, "pools.kv.slo.quantile",
                "\"1.0\" is out of range", ""},
        mistake{"quantile_of_zero", pool_with("    slo: {quantile: 0}\n"), 4, 21, "pools.kv.slo.quantile",
                "\"0\" is out of range", ""},
        mistake{"duration_without_unit", "version: 1\ndrain: 5\n" + ok_pools, 2, 8, "drain", "\"5\" has no unit", ""},
        mistake{"duration_in_minutes", "version: 1\ndrain: 5m\n" + ok_pools, 2, 8, "drain",
                "\"5m\" has no known unit", ""},
        mistake{"duration_in_words", "version: 1\ndrain: 5 sec\n" + ok_pools, 2, 8, "drain",
                "\"5 sec\" has no known unit", "did you mean 5s?"},
        mistake{"duration_with_space", "version: 1\ndrain: 5 s\n" + ok_pools, 2, 8, "drain",
                "\"5 s\" has a space before its unit", "did you mean 5s?"},
        mistake{"part_of_a_nanosecond", "version: 1\ndrain: 1.5ns\n" + ok_pools, 2, 8, "drain",
                "\"1.5ns\" is not a whole number of ns", ""},
        mistake{"too_long_spin", pool_with("    idle: {spin: 11ms}\n"), 4, 18, "pools.kv.idle.spin",
                "\"11ms\" is too large", ""},
        mistake{"size_in_megabytes", pool_with("    memory: 256MB\n"), 4, 13, "pools.kv.memory.per_worker",
                "\"256MB\" has no known unit", "did you mean 256MiB?"},
        mistake{"size_too_small", pool_with("    memory: 4KiB\n"), 4, 13, "pools.kv.memory.per_worker",
                "\"4KiB\" is too small", ""},
        mistake{"duplicate_cpu", pool_with("    cpus: [0, 1, 0-2]\n"), 4, 18, "pools.kv.cpus", "0 is named twice",
                ""},
        mistake{"backward_range", pool_with("    cpus: 3-1\n"), 4, 11, "pools.kv.cpus",
                "\"3-1\" is a range that runs backwards", "did you mean 1-3?"},
        mistake{"empty_list", pool_with("    nodes: []\n"), 4, 12, "pools.kv.nodes", "names nothing", ""},
        mistake{"word_slip_of_auto", pool_with("    nodes: atuo\n"), 4, 12, "pools.kv.nodes",
                "\"atuo\" is not a whole number", "did you mean auto?"},
        mistake{"list_in_list", pool_with("    nodes: [[0]]\n"), 4, 13, "pools.kv.nodes", "an element is a list",
                ""}));

INSTANTIATE_TEST_SUITE_P(
    listeners, plan_mistake,
    testing::Values(mistake{"name_instead_of_address", ok + "listeners: {http: \"localhost:80\"}\n", 3, 19,
                            "listeners.http", "\"localhost:80\" has no numeric address",
                            "did you mean 127.0.0.1:80?"},
                    mistake{"star", ok + "listeners: {http: \"*:80\"}\n", 3, 19, "listeners.http",
                            "\"*:80\" has no numeric address", "did you mean 0.0.0.0:80?"},
                    mistake{"port_alone", ok + "listeners: {http: 9464}\n", 3, 19, "listeners.http",
                            "\"9464\" is a port without an address", "did you mean 127.0.0.1:9464?"},
                    mistake{"address_alone", ok + "listeners: {http: 127.0.0.1}\n", 3, 19, "listeners.http",
                            "\"127.0.0.1\" has no port", ""},
                    mistake{"port_too_large", ok + "listeners: {http: 127.0.0.1:65536}\n", 3, 19, "listeners.http",
                            "\"127.0.0.1:65536\" has no port from 0 to 65535", ""},
                    mistake{"bare_ipv6", ok + "listeners: {http: \"::1:80\"}\n", 3, 19, "listeners.http",
                            "\"::1:80\" has an IPv6 address without brackets", "did you mean [::1]:80?"},
                    mistake{"ipv4_in_brackets", ok + "listeners: {http: \"[127.0.0.1]:80\"}\n", 3, 19,
                            "listeners.http", "\"[127.0.0.1]:80\" has no numeric address", ""},
                    mistake{"same_place_twice", ok + "listeners:\n  a: 127.0.0.1:80\n  b: 127.0.0.1:80\n", 5, 6,
                            "listeners.b", "listens where listeners.a does", ""}));

INSTANTIATE_TEST_SUITE_P(files, plan_mistake, testing::Values(
    mistake{"empty_file", "", 1, 1, "", "the plan is empty", ""},
    mistake{"only_comments", "# later\n", 1, 1, "", "the plan is empty", ""},
    mistake{"half_written", ok + "drain: 1s", 3, 10, "", "the file ends within a line",
            "end the last line, or write the file anew"},
    mistake{"tab", "version: 1\npools:\n\tkv: auto\n", 3, 1, "", "tab in the indentation",
            "replace the tab by two spaces"},
    mistake{"bad_utf8", "version: 1\n# caf\xE9\n" + ok_pools, 2, 6, "", "byte 0xe9 is not UTF-8",
            "save the file as UTF-8"},
    mistake{"overlong_utf8", "version: 1\n# \xC0\xAF\n" + ok_pools, 2, 3, "", "byte 0xc0 is not UTF-8",
            "save the file as UTF-8"},
    mistake{"utf16", std::string("\xFF\xFEv\0e\0", 6), 1, 1, "", "byte 0xff is not UTF-8", "save the file as UTF-8"},
    mistake{"end_of_file_in_disguise", "version: 1\n\x04\n" + ok_pools, 2, 1, "", "control character 0x04", ""},
    mistake{"zero_byte", std::string("version: 1\n\0", 12) + ok_pools, 2, 1, "", "control character 0x00", ""},
    mistake{"second_document", ok + "---\nversion: 1\n", 3, 1, "", "a second document begins",
            "remove what follows the first"},
    mistake{"anchor", "version: &v 1\n" + ok_pools, 1, 10, "", "an anchor (&name)", ""},
    mistake{"tag", "version: !!int 1\n" + ok_pools, 1, 10, "", "a tag \"tag:yaml.org,2002:int\"", "remove the tag"},
    mistake{"unclosed_list", ok + "control: [0\n", 4, 1, "", "YAML: end of sequence flow not found",
            "look at this line and the one above it"},
    mistake{"bad_indentation", "version: 1\n  pools: 2\n", 2, 8, "", "YAML: illegal map value",
            "look at this line and the one above it"}));

/// What the machine says of a plan that could be read.
std::string layout_error(const std::string& yaml) {
    try {
        make_layout(parse_plan(yaml, "plan.yaml"), discover_topology("synthetic:numa:1 core:4 pu:1"));
    } catch (const plan_error& e) { return e.what(); }
    return {};
}

TEST(plan_errors, keys_that_say_nothing_to_what_a_pool_runs_are_refused) {
    EXPECT_EQ(layout_error(pool_with("    tasks: 64\n")),
              "plan.yaml:4:5: pools.kv.tasks: says nothing to a pool with run: service; expected run: tasks or run: reactor (remove it, or change pools.kv.run)");
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    lane: {capacity: 64}\n    slo: 1ms\n    memory: 64MiB\n")),
              "plan.yaml:7:5: pools.kv.memory: says nothing to a pool with run: tasks; expected run: service (remove it, or change pools.kv.run)\n"
              "plan.yaml:5:5: pools.kv.lane: says nothing to a pool with run: tasks; expected run: service (remove it, or change pools.kv.run)\n"
              "plan.yaml:6:5: pools.kv.slo: says nothing to a pool with run: tasks; expected run: service (remove it, or change pools.kv.run)");
    EXPECT_EQ(layout_error(pool_with("    run: reactor\n    tasks: {capacity: 64, steal: any}\n")),
              "plan.yaml:5:27: pools.kv.tasks.steal: says nothing to a pool with run: reactor; expected run: tasks (remove it, or change pools.kv.run)");
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    idle: caller_drives\n")),
              "plan.yaml:5:11: pools.kv.idle.strategy: caller_drives, and its workers have threads of their own: run: tasks; expected busy_spin, spin_then_park or park "
              "(the default is spin_then_park)");
}

TEST(plan_errors, what_is_about_taking_from_other_nodes_is_refused_where_the_pool_takes_nothing_from_them) {
    const auto refused = [](const std::string& place, const std::string& key) {
        return place + ": pools.kv.tasks." + key + ": says nothing to a pool with steal: node, whose workers take nothing from other nodes; "
               "expected steal: package or steal: any (remove it, or change pools.kv.tasks.steal)";
    };
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    tasks: {backlog: 512, budget: 8}\n")), refused("plan.yaml:5:13", "backlog") + "\n" + refused("plan.yaml:5:27", "budget"));
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    tasks: {steal: node, budget: 16}\n")), refused("plan.yaml:5:26", "budget"));
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    tasks: {steal: package, backlog: 512, budget: 8}\n")), "");
    // A plan whose scope was changed in code is held to what it says now.
    auto changed = parse_plan(pool_with("    run: tasks\n    tasks: {steal: any, backlog: 512}\n"), "plan.yaml");
    changed.pools.at(0).tasks.steal = steal_scope::node;
    EXPECT_THROW(make_layout(changed, discover_topology("synthetic:numa:1 core:4 pu:1")), plan_error);
    // A reactor's is refused once, for what the pool runs.
    EXPECT_EQ(layout_error(pool_with("    run: reactor\n    tasks: {backlog: 512}\n")),
              "plan.yaml:5:13: pools.kv.tasks.backlog: says nothing to a pool with run: reactor; expected run: tasks (remove it, or change pools.kv.run)");
}

TEST(plan_errors, a_key_in_the_wrong_section_is_sent_to_where_it_says_something_to_what_the_pool_runs) {
    const auto remedy = [](const std::string& lines) {
        const auto problems = problems_of(pool_with(lines));
        return problems.size() == 1 ? problems[0].suggestion : "not one problem";
    };
    EXPECT_EQ(remedy("    capacity: 10\n"), "it belongs at pools.NAME.lane.capacity");
    EXPECT_EQ(remedy("    run: service\n    capacity: 10\n"), "it belongs at pools.NAME.lane.capacity");
    EXPECT_EQ(remedy("    run: tasks\n    capacity: 10\n"), "it belongs at pools.NAME.tasks.capacity");
    EXPECT_EQ(remedy("    capacity: 10\n    run: reactor\n"), "it belongs at pools.NAME.tasks.capacity");
    EXPECT_EQ(remedy("    run: tasks\n    idle: {capacity: 10}\n"), "it belongs at pools.NAME.tasks.capacity");
    EXPECT_EQ(remedy("    run: tasks\n    producers: 2\n"), "it belongs at pools.NAME.lane.producers, with run: service");
    EXPECT_EQ(remedy("    steal: any\n"), "it belongs at pools.NAME.tasks.steal, with run: tasks");
    EXPECT_EQ(problems_of(pool_with("    run: sevice\n    capacity: 10\n")).back().suggestion, "it belongs at pools.NAME.lane.capacity");
    // What one pool runs is nothing to the next, nor to what stands outside of pools.
    EXPECT_EQ(problems_of("version: 1\npools:\n  a: {run: tasks}\n  b: {capacity: 10}\n").back().suggestion, "it belongs at pools.NAME.lane.capacity");
    EXPECT_EQ(problems_of("version: 1\npools:\n  a: {run: tasks}\ncapacity: 10\n").back().suggestion, "it belongs at pools.NAME.lane.capacity");
}

TEST(plan_errors, what_a_pool_runs_may_have_the_keys_that_are_for_it) {
    EXPECT_EQ(layout_error(pool_with("    run: tasks\n    tasks: {capacity: 64, order: newest_first, steal: any, backlog: 0, budget: 1, bulk_weight: 1}\n    idle: park\n")), "");
    EXPECT_EQ(layout_error(pool_with("    run: reactor\n    tasks: 64\n")), "");
    EXPECT_EQ(layout_error(pool_with("    run: service\n    lane: 64\n    slo: 1ms\n    memory: 64MiB\n")), "");
}

TEST(plan_errors, all_problems_are_told_at_once_in_the_order_of_the_file) {
    const auto problems = problems_of(
        "version: 3\n"
        "drain: soon\n"
        "pools:\n"
        "  kv:\n"
        "    lane: {capacity: 010, producer: 3}\n"
        "    memory: 12\n"
        "  kv: auto\n"
        "listeners: {http: here}\n"
        "simulate_node: 2");
    std::vector<int> lines;
    for (const auto& p : problems) { lines.push_back(p.where.line); }
    EXPECT_THAT(lines, testing::ElementsAre(1, 2, 5, 5, 6, 7, 8, 9, 9));
}

TEST(plan_errors, the_text_of_an_error_is_one_line_for_each_problem) {
    EXPECT_EQ(
        error_text("version: 1\n"
                   "pools:\n"
                   "  kv:\n"
                   "    workers: 2\n"
                   "    memory: {per_worker: 256MB}\n"
                   "    lane: {capacity: 010}\n"
                   "    slo: {quantile: 99}\n"),
        "plan.yaml:4:5: pools.kv.workers: unknown key; expected run, nodes, cpus, workers_per_node, memory, lane, "
        "idle, tasks, front, slo, realtime or enforcement (did you mean workers_per_node?)\n"
        "plan.yaml:5:26: pools.kv.memory.per_worker: \"256MB\" has no known unit; expected a size from 1MiB to "
        "16TiB, as 256MiB or 1.5GiB (did you mean 256MiB?)\n"
        "plan.yaml:6:22: pools.kv.lane.capacity: \"010\" has a leading zero, which some YAML readers take for "
        "octal; expected a whole number from 1 to 1048576 (write 10)\n"
        "plan.yaml:7:21: pools.kv.slo.quantile: \"99\" is out of range; expected a number above 0 and below 1, as "
        "0.99 (did you mean 0.99?)");
}

}  // namespace
}  // namespace numasio::test
