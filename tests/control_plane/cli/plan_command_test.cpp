// numasioctl plan: what a plan would do elsewhere, what is wrong with it, and which card is on another node.
#include "ctl.hpp"

#include <control_plane/cli/near_devices.hpp>

#include <gmock/gmock.h>

namespace numasio::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string two_nodes = " -t 'synthetic:numa:2 core:4 pu:2'";

TEST(plan_command, explains_who_gets_what_on_another_machine) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\ncontrol: [0]\npools:\n  kv: {workers_per_node: 2, memory: 128MiB}\n  log: {nodes: 1, cpus: 14}\n");
    const auto got = ctl("plan explain '" + file + "'" + two_nodes);
    ASSERT_EQ(got.status, 0) << got.err;
    EXPECT_THAT(got.out, HasSubstr("machine  the machine \"numa:2 core:4 pu:2\" (not this one)\n"));
    EXPECT_THAT(got.out, HasSubstr("control: CPU 0\n"));
    EXPECT_THAT(got.out, HasSubstr("pool kv: 4 workers (auto), 128 MiB each (bind, best_effort)"));
    EXPECT_THAT(got.out, HasSubstr("256 MiB        1  8,10"));
    EXPECT_THAT(got.out, HasSubstr("pool log: 1 worker, "));
}

TEST(plan_command, that_finds_no_problem_is_silent) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\npools: {kv: auto}\n");
    const auto got = ctl("plan check '" + file + "'" + two_nodes);
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.out + got.err, "");
}

TEST(plan_command, names_place_key_and_remedy_of_every_problem) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\npools:\n  kv: {nodes: 7, lane: 12x}\n");
    for (const char* command : {"plan check", "plan explain"}) {
        const auto got = ctl(command + (" '" + file + "'" + two_nodes));
        EXPECT_EQ(got.status, 3) << command;
        EXPECT_THAT(got.out + got.err, HasSubstr(file + ":3:")) << command;
        EXPECT_THAT(got.out + got.err, HasSubstr("pools.kv.lane")) << command;
    }
    const auto elsewhere = folder.write("q.yaml", "version: 1\npools:\n  kv: {nodes: 7}\n");
    EXPECT_THAT(ctl("plan check '" + elsewhere + "'" + two_nodes).err, HasSubstr("q.yaml:3:8: pools.kv.nodes"));
}

TEST(plan_command, finds_memory_that_this_machine_does_not_have) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\npools:\n  kv: {memory: 16TiB, workers_per_node: 1}\n");
    const auto got = ctl("plan explain '" + file + "'");
    EXPECT_EQ(got.status, 3);
    EXPECT_THAT(got.out, HasSubstr("pool kv: "));  // the layout is shown all the same
    EXPECT_THAT(got.out, HasSubstr("memory.per_worker"));
    EXPECT_EQ(ctl("plan check '" + file + "'").status, 3);
    const auto elsewhere = ctl("plan check '" + file + "'" + two_nodes);
    EXPECT_EQ(elsewhere.status, 3);
    EXPECT_THAT(elsewhere.err, HasSubstr("what node 0 of that machine has"));
    const auto lanes = folder.write("l.yaml", "version: 1\npools:\n  kv: {workers_per_node: 1, lane: {capacity: 1048576, producers: 1024}}\n");
    EXPECT_THAT(ctl("plan check '" + lanes + "'").err, HasSubstr("pools.kv.lane"));
    const auto usual = folder.write("u.yaml", "version: 1\npools:\n  kv: {workers_per_node: 1, memory: {per_worker: 8MiB, pages: 1GiB}}\n");
    const auto explained = ctl("plan explain '" + usual + "'");
    EXPECT_EQ(explained.status, 0);
    EXPECT_THAT(explained.out, HasSubstr("1 GiB each (bind, 1GiB pages, best_effort)"));
    std::uint64_t free = 0;
    for (const auto& node : discover_topology().nodes) {
        for (const auto& pool : node.huge_pages) { free += pool.page == bytes{1ULL << 30} ? pool.free : 0; }
    }
    EXPECT_EQ(explained.out.find("too few pages of 1GiB: 1 needed") != std::string::npos, free == 0) << explained.out;
}

TEST(plan_command, refuses_an_address_that_the_control_server_would_refuse) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\npools: {kv: auto}\nlisteners: {http: \"0.0.0.0:9464\", kv: \"0.0.0.0:7379\"}\n");
    const auto got = ctl("plan check '" + file + "'" + two_nodes);
    EXPECT_EQ(got.status, 3);
    EXPECT_THAT(got.err, HasSubstr("p.yaml:3:13: listeners.http: 0.0.0.0 can be reached from other machines"));
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
}

TEST(plan_command, explains_pages_and_nodes_of_memory_that_is_shared_out) {
    const scratch folder;
    const auto file = folder.write("p.yaml", "version: 1\npools: {kv: {nodes: 1, workers_per_node: 2, memory: {per_worker: 64MiB, policy: interleave, pages: 2MiB}}}\n");
    const auto got = ctl("plan explain '" + file + "'" + two_nodes);
    EXPECT_THAT(got.out, HasSubstr("64 MiB each (interleave, 2MiB pages, best_effort)"));
    EXPECT_THAT(got.out, HasSubstr("1        2  128 MiB      0-1  8,10"));
}

TEST(plan_command, of_a_file_that_cannot_be_read_fails) {
    for (const char* unreadable : {"/nonexistent.yaml", "/tmp"}) { EXPECT_EQ(ctl(std::string("plan check ") + unreadable).status, 1); }
    const auto got = ctl("plan check /nonexistent.yaml");
    EXPECT_EQ(got.status, 1);
    EXPECT_THAT(got.err, HasSubstr("/nonexistent.yaml: cannot be read"));
}

// --- near_devices -----------------------------------------------------------------------------

topology four_nodes() {
    topology machine;
    for (std::uint32_t n = 0; n < 4; ++n) {
        node_info node;
        node.id = {n};
        node.memory = {1 << 30};
        if (n != 3) {
            cpu_info cpu;
            cpu.id = {n};
            cpu.node = {n};
            node.cpus = {cpu.id};
            machine.cpus.push_back(cpu);
        }
        machine.nodes.push_back(node);
    }
    machine.distances = {{{0}, {3}, 30}, {{1}, {3}, 20}, {{2}, {3}, 30}};
    return machine;
}

device_info card(const std::string& name, std::uint32_t node, std::optional<bool> up = true) {
    device_info device;
    device.name = name;
    device.locality = device_locality::one_node;
    device.nodes = {{node}};
    device.link_up = up;
    return device;
}

std::vector<std::string> said(std::vector<node_id> nodes, const std::vector<device_info>& devices) {
    plan asked;
    asked.pools.emplace_back().name = "kv";
    layout sites;
    for (const auto node : nodes) { sites.workers.push_back({"kv", 0, {node.value}, node, node}); }
    return cli::nearer_to_cards(asked, sites, four_nodes(), devices);
}

TEST(near_devices, puts_a_pool_on_the_node_of_the_card) {
    EXPECT_THAT(said({{0}}, {card("eth1", 2)}),
                ElementsAre("pool kv: its workers are on node 0; put this pool on node 2: eth1 is there (pools.kv.nodes: 2)"));
    EXPECT_THAT(said({{0}, {1}}, {card("eth1", 2), card("eth2", 2)}), ElementsAre(HasSubstr("put this pool on node 2: eth1, eth2 are there")));
}

TEST(near_devices, says_nothing_where_the_pool_has_workers_at_a_card) {
    EXPECT_THAT(said({{2}}, {card("eth1", 2)}), IsEmpty());
    EXPECT_THAT(said({{0}, {2}}, {card("eth1", 2)}), IsEmpty());
}

TEST(near_devices, says_nothing_of_what_is_not_known) {
    EXPECT_THAT(said({{0}}, {}), IsEmpty());
    auto unknown = card("eth1", 2);
    unknown.locality = device_locality::unknown;
    EXPECT_THAT(said({{0}}, {unknown}), IsEmpty());
    auto drive = card("nvme0", 2);
    drive.kind = device_kind::nvme;
    EXPECT_THAT(said({{0}}, {drive}), IsEmpty());
}

TEST(near_devices, prefers_cards_that_have_a_link) {
    EXPECT_THAT(said({{0}}, {card("eth1", 2, false), card("eth2", 1)}), ElementsAre(HasSubstr("node 1: eth2 is there (")));
    EXPECT_THAT(said({{0}}, {card("eth1", 2, false)}), ElementsAre(HasSubstr("node 2: eth1 is there (")));
}

TEST(near_devices, takes_the_nearest_node_with_cpus_where_the_cards_has_none) {
    EXPECT_THAT(said({{0}}, {card("eth1", 3)}),
                ElementsAre(HasSubstr("put this pool on node 1: eth1 is on node 3, which has no CPUs for workers, and this is the nearest")));
}

}  // namespace
}  // namespace numasio::test
