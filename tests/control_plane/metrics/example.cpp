// Builds the example snapshots.
#include "example.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace numasio::test {
namespace {

using namespace literals;

topology machine_of(std::uint32_t nodes, std::uint32_t cpus_per_node) {
    topology machine;
    machine.origin = topology_origin::live;
    machine.source = "live";
    for (std::uint32_t n = 0; n < nodes; ++n) {
        node_info node{node_id{n}, {}, 4_GiB, 3_GiB, true};
        for (std::uint32_t c = 0; c < cpus_per_node; ++c) {
            const cpu_id id{n * cpus_per_node + c};
            node.cpus.push_back(id);
            machine.cpus.push_back({id, node.id, id.value, n, n, 0, true});
        }
        machine.nodes.push_back(node);
        for (std::uint32_t to = 0; to < nodes; ++to) {
            machine.distances.push_back({node_id{n}, node_id{to}, n == to ? 10U : 21U});
        }
    }
    return machine;
}

plan plan_of() {
    plan asked;
    pool_plan pool;
    pool.name = "kv";
    pool.slo = slo_plan{0.99, std::chrono::milliseconds(1)};
    pool.lane.bulk = bulk_plan{};
    asked.pools.push_back(pool);
    asked.listeners.push_back({"http", "127.0.0.1", 9464});
    return asked;
}

pool_plan pool_that(run_mode runs, const std::string& name) {
    pool_plan pool;
    pool.name = name;
    pool.run = runs;
    return pool;
}

worker_status worker_on(std::uint32_t index, cpu_id cpu, node_id node) {
    worker_status worker;
    worker.site = {"kv", index, cpu, node, node};
    worker.state = worker_state::running;
    worker.doorbells = 7;
    worker.parks = 8;
    worker.displacements = 1;
    worker.batches = 40;
    worker.memory_limit = 64_MiB;
    worker.memory_used = 1_MiB;
    worker.execution_locality = 0.975;
    worker.execution_samples = 40;
    worker.page_locality = 1.0;
    worker.pages_sampled = 1024;
    worker.first_failure = "no such symbol";
    auto& used = worker.lanes.emplace_back();
    used.capacity = 1024;
    used.in_use = true;
    used.offered = 123, used.accepted = 105, used.rejected = 10, used.returned = 5, used.withdrawn = 1, used.waiting = 2;
    used.ran = 96, used.failed = 2, used.cancelled = 1, used.expired = 2, used.dropped = 1, used.shed = 2;
    used.delivered = 102, used.queued = 3, used.queued_high_water = 64;
    auto& silent = worker.lanes.emplace_back();
    silent.kind = request_class::bulk;
    silent.capacity = 256;
    record(worker.queue_delay, 700, 90);
    record(worker.queue_delay, 20'000, 6);
    record(worker.round_trip, 30'000, 90);
    record(worker.round_trip, 2'000'000, 6);
    return worker;
}

task_pool_status tasks_on(cpu_id cpu, node_id node) {
    task_pool_status pool;
    pool.name = "hot";
    pool.accepting = true;
    pool.refused = 3, pool.queued = 2, pool.work = 5;
    auto& worker = pool.workers.emplace_back();
    worker.site = {"hot", 0, cpu, node, node};
    worker.state = worker_state::running;
    worker.ran = 1000, worker.failed = 1, worker.stolen = 40, worker.stolen_abroad = 6, worker.distance_abroad = 126;
    worker.taken_in = 600, worker.queued = 4, worker.parks = 70, worker.searches = 90, worker.empty_searches = 50, worker.polls = 12, worker.stalls = 1;
    worker.running = "load";
    worker.first_failure = "no such symbol";
    return pool;
}

reactor_pool_status reactors_on(cpu_id cpu, node_id node) {
    reactor_pool_status pool;
    pool.name = "front";
    pool.accepting = true;
    pool.turned_away = 1, pool.accept_failures = 2;
    pool.first_failure = "no such tenant";
    auto& worker = pool.workers.emplace_back();
    worker.site = {"front", 0, cpu, node, node};
    worker.state = worker_state::running;
    worker.asleep = true;
    worker.arrivals = 300, worker.failed = 1, worker.refused = 2, worker.overflowed = 3, worker.queued = 4, worker.work = 9;
    worker.sleeps = 80, worker.doorbells = 60, worker.stalls = 2, worker.accepted = 20, worker.open = 7;
    pool.listeners.push_back({{boost::asio::ip::address_v4::loopback(), 8080}, 0, cpu, {}});
    return pool;
}

placement honoured(placement_subject subject, std::string owner, std::string what) {
    return {subject, std::move(owner), placement_outcome::honoured, what, what, {}, {}, {}};
}

}  // namespace

void record(latency_histogram& into, std::uint64_t ns, std::uint64_t times) {
    into.counts[latency_histogram::index(ns)] += times;
    into.total_ns += ns * times;
}

example two_nodes() {
    example e{machine_of(2, 2), plan_of(), {}, {}};
    e.machine.nodes[1].huge_pages = {{2_MiB, 16, 4}};
    e.machine.offline_cpus = {cpu_id{4}};
    e.machine.accesses = {{node_id{0}, node_id{0}, 80, 100'000}, {node_id{1}, node_id{0}, 140, std::nullopt}};
    e.machine.limits = process_limits{{cpu_id{0}, cpu_id{1}, cpu_id{2}, cpu_id{3}}, std::vector{cpu_id{0}, cpu_id{1}, cpu_id{2}},
                                      "/sys/fs/cgroup/kv", std::nullopt, {node_id{0}, node_id{1}}};
    e.machine.cpus[3].allowed = false;
    e.machine.cpus[3].denied = cpu_denial::cpuset;
    e.asked.control.cpus = {cpu_id{0}};
    e.now.numa_balancing = numa_balancing_mode::off;
    e.sites.control = {cpu_id{0}};
    e.sites.workers = {{"kv", 0, cpu_id{1}, node_id{0}, node_id{0}}, {"kv", 1, cpu_id{2}, node_id{1}, node_id{1}}};
    e.asked.pools.push_back(pool_that(run_mode::tasks, "hot"));
    e.asked.pools.push_back(pool_that(run_mode::reactor, "front"));
    e.sites.workers.push_back({"hot", 0, cpu_id{1}, node_id{0}, node_id{0}});
    e.sites.workers.push_back({"front", 0, cpu_id{2}, node_id{1}, node_id{1}});
    e.sites.notes = {"CPU 3 is left to the system"};
    e.now.accepting = true;
    e.now.pools = {{"kv", 4}};
    e.now.workers = {worker_on(0, cpu_id{1}, node_id{0}), worker_on(1, cpu_id{2}, node_id{1})};
    e.now.task_pools = {tasks_on(cpu_id{1}, node_id{0})};
    e.now.reactor_pools = {reactors_on(cpu_id{2}, node_id{1})};
    auto& second = e.now.workers[1];
    second.parked = true;
    second.execution_locality.reset();
    second.execution_samples = 0;
    second.page_locality.reset();
    second.pages_sampled = 0;

    e.now.placements = {honoured(placement_subject::control, "control", "CPUs 0"),
                        honoured(placement_subject::cpu, "kv/0", "CPU 1"),
                        honoured(placement_subject::service_memory, "kv/0", "64 MiB on node 0"),
                        honoured(placement_subject::cpu, "kv/1", "CPU 2")};
    e.now.placements[2].pages = page_audit{1024, 0, {{node_id{0}, 1024}}};
    const error_code refused(1, boost::system::system_category());
    e.now.placements.push_back({placement_subject::service_memory, "kv/1", placement_outcome::degraded,
                                "64 MiB on node 1", "64 MiB, place unknown", "mbind was refused", refused, {}});
    e.now.degraded = {"kv/1 service memory: mbind was refused (a \"seccomp\" filter?)"};
    return e;
}

example one_node() {
    example e{machine_of(1, 2), plan_of(), {}, {}};
    e.sites.control = {cpu_id{0}};
    e.sites.workers = {{"kv", 0, cpu_id{1}, node_id{0}, node_id{0}}};
    e.now.accepting = true;
    e.now.workers = {worker_on(0, cpu_id{1}, node_id{0})};
    e.now.placements = {honoured(placement_subject::control, "control", "CPUs 0"),
                        honoured(placement_subject::cpu, "kv/0", "CPU 1"),
                        honoured(placement_subject::thread_memory, "kv/0", "node 0"),
                        honoured(placement_subject::service_memory, "kv/0", "64 MiB on node 0"),
                        honoured(placement_subject::lane_memory, "kv/0", "node 0")};
    return e;
}

example simulated() {
    auto e = two_nodes();
    e.machine.origin = topology_origin::simulated;
    e.machine.source = "simulated";
    e.machine.accesses.clear();  // as simulate_nodes() leaves them: pretend nodes have no firmware
    e.machine.distances.clear();
    e.asked.simulate_nodes = 2;
    e.asked.pools.resize(1);
    e.sites.workers.resize(2);
    e.now.task_pools.clear();
    e.now.reactor_pools.clear();
    for (auto& p : e.now.placements) { p.outcome = placement_outcome::simulated; }
    return e;
}

example large(std::uint32_t nodes, std::uint32_t workers) {
    const std::uint32_t each = workers / nodes;
    example e{machine_of(nodes, each), plan_of(), {}, {}};
    for (std::uint32_t i = 0; i < workers; ++i) {
        const worker_site site{"kv", i, cpu_id{i}, node_id{i / each}, node_id{i / each}};
        e.sites.workers.push_back(site);
        e.now.workers.push_back(worker_on(i, site.cpu, site.node));
        e.now.placements.push_back(
            honoured(placement_subject::cpu, "kv/" + std::to_string(i), "CPU " + std::to_string(i)));
    }
    e.now.accepting = true;
    return e;
}

void expect_golden(const std::string& name, const std::string& actual) {
    std::ifstream file(std::string(NUMASIO_SOURCE_DIR "/tests/control_plane/metrics/golden/") + name);
    std::ostringstream golden;
    golden << file.rdbuf();
    if (file && golden.str() == actual) { return; }
    const std::string left = std::string(NUMASIO_BINARY_DIR "/") + name + ".actual";
    std::ofstream(left) << actual;
    ADD_FAILURE() << name << " differs; the actual text is in " << left;
}

}  // namespace numasio::test
