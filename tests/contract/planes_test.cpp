// What plan, bridge and status make of every machine: sites or a plan_error, no start, and JSON that says the same.
#include "contract/machines.hpp"

#include <numasio/bridge.hpp>
#include <numasio/layout.hpp>

#include <control_plane/metrics/topology_document.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

namespace numasio::test {
namespace {

namespace json = boost::json;

class any_planned_machine : public any_machine {};

plan one_pool() {
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    return asked;
}

TEST_P(any_planned_machine, has_a_worker_on_each_executor_node_on_a_cpu_of_it) {
    const layout sites = make_layout(one_pool(), machine_);
    EXPECT_FALSE(sites.control.empty());
    std::set<node_id> nodes;
    for (const worker_site& worker : sites.workers) {
        const cpu_info* const cpu = machine_.find(worker.cpu);
        ASSERT_NE(cpu, nullptr);
        EXPECT_TRUE(cpu->allowed);
        EXPECT_EQ(cpu->node, worker.node);
        EXPECT_EQ(machine_.nearest_memory(worker.node), worker.memory_node);
        nodes.insert(worker.node);
    }
    EXPECT_EQ(nodes.size(), sites.workers.size());
    EXPECT_EQ(std::vector<node_id>(nodes.begin(), nodes.end()), machine_.executor_nodes());
}

TEST_P(any_planned_machine, refuses_a_plan_for_a_node_without_cpus_or_a_cpu_that_is_not_allowed) {
    const auto refused = [this](const plan& asked) { EXPECT_THROW(make_layout(asked, machine_), plan_error); };
    const auto executors = machine_.executor_nodes();
    for (const node_info& node : machine_.nodes) {
        if (std::binary_search(executors.begin(), executors.end(), node.id)) { continue; }
        plan asked = one_pool();
        asked.pools[0].nodes = std::vector{node.id};
        refused(asked);
    }
    plan elsewhere = one_pool();
    elsewhere.pools[0].nodes = std::vector{node_id{0xfffff}};
    refused(elsewhere);
    for (const cpu_info& cpu : machine_.cpus) {
        if (cpu.allowed) { continue; }
        plan asked = one_pool();
        asked.pools[0].workers_per_node.reset();
        asked.pools[0].cpus = std::vector{cpu.id};
        refused(asked);
    }
}

struct nothing {
    explicit nothing(node_context&) {}
    int operator()(int x) const noexcept { return x; }
};

TEST_P(any_planned_machine, is_not_started_and_not_pinned_to) {
    boost::asio::io_context io;
    bridge b(io, one_pool(), machine_);
    b.open<int, int, nothing>("p");
    const auto refused = [](auto step) {
        try {
            step();
            ADD_FAILURE() << "started on a machine that is not this one";
        } catch (const boost::system::system_error& e) { EXPECT_EQ(e.code(), errc::not_this_machine); }
    };
    refused([&] { b.check(); });
    refused([&] { b.start(); });
    refused([&] { b.pin_control_thread(); });
}

TEST(machines, one_that_hwlocs_environment_names_is_planned_and_not_started) {
    ASSERT_EQ(::setenv("HWLOC_SYNTHETIC", "numa:4 core:2 pu:1", 1), 0);
    boost::asio::io_context io;
    bridge b(io, one_pool());
    ASSERT_EQ(::unsetenv("HWLOC_SYNTHETIC"), 0);
    b.open<int, int, nothing>("p");
    EXPECT_EQ(b.sites().workers.size(), 4U);
    EXPECT_THAT([&] { b.start(); }, ::testing::Throws<boost::system::system_error>(::testing::Property(
                                        &boost::system::system_error::code, errc::not_this_machine)));
}

template <class Id>
std::vector<Id> ids_in(const json::value& list) {
    std::vector<Id> ids;
    for (const auto& id : list.as_array()) { ids.push_back({id.to_number<std::uint32_t>()}); }
    return ids;
}

TEST_P(any_planned_machine, is_the_same_in_json_that_is_parsed_back) {
    const auto read = json::parse(json::serialize(detail::topology_document(machine_)));
    const auto number = [](const json::value& of, const char* key) { return of.at(key).to_number<std::uint32_t>(); };
    std::vector<cpu_info> cpus;
    for (const auto& cpu : read.at("cpus").as_array()) {
        const cpu_denial denied = cpu.at("denied_by").is_null() ? cpu_denial::none : cpu_denial::cpuset;
        cpus.push_back({{number(cpu, "id")}, {number(cpu, "node")}, number(cpu, "core"), number(cpu, "package"),
                        number(cpu, "l3_group"), number(cpu, "smt_index"), cpu.at("allowed").as_bool(), denied});
    }
    EXPECT_EQ(cpus, machine_.cpus);
    std::vector<node_info> nodes;
    for (const auto& node : read.at("nodes").as_array()) {
        EXPECT_TRUE(node.at("free_memory_bytes_at_start").is_null()) << "of another machine nobody knows";
        nodes.push_back({{number(node, "id")}, ids_in<cpu_id>(node.at("cpus")), {node.at("memory_bytes").to_number<std::uint64_t>()},
                         {}, node.at("memory_allowed").as_bool()});
    }
    EXPECT_EQ(nodes, machine_.nodes);
    std::vector<node_distance> distances;
    for (const auto& d : read.at("distances").as_array()) {
        distances.push_back({{number(d, "from")}, {number(d, "to")}, number(d, "value")});
    }
    EXPECT_EQ(distances, machine_.distances);
    EXPECT_EQ(ids_in<cpu_id>(read.at("offline_cpus")), machine_.offline_cpus);
    EXPECT_EQ(read.at("accesses").as_array().size(), machine_.accesses.size());
    EXPECT_EQ(read.at("origin").as_string(), to_string(machine_.origin));
    EXPECT_TRUE(read.at("limits").is_null());
}

INSTANTIATE_TEST_SUITE_P(machines, any_planned_machine, ::testing::ValuesIn(shapes()),
                         [](const auto& machine) { return machine.param.name; });

}  // namespace
}  // namespace numasio::test
