// The machine changes while workers run: CPUs go offline, the cpuset shrinks, and all comes back. On an emulated machine only:
// ./dev numa-vm --topology four_asymmetric -- build/dev/bin/worker_change_test
#include "control_plane/bridge/bridge_fixture.hpp"
#include "numa_vm/kernel_version.hpp"
#include "numa_vm/machine_changes.hpp"
#include "support/time_given.hpp"

#include "src/platform/memory_nodes.hpp"
#include "src/process_memory.hpp"
#include "src/region_keeper.hpp"

#include <numasio/affinity.hpp>
#include <numasio/node_region.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <numaif.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

namespace numasio::test {
namespace {

std::string degraded_of(const bridge& b) {
    std::string all;
    for (const auto& reason : b.status().degraded) { all += reason + "\n"; }
    return all;
}

template <class Done>
bool within_a_second(Done done) { return within(1s, std::move(done)); }

struct where {
    explicit where(node_context&) {}
    std::uint32_t operator()(int) const { return current_cpu().value_or(cpu_id{~0U}).value; }
};

/// One strict worker on the last node that has CPUs and memory, and what was told of it.
class worker_change : public ::testing::Test {
protected:
    worker_change() {
        if (!std::filesystem::exists("/run/guest.sh")) { std::abort(); }  // somebody's real machine
        for (const auto& node : machine_.nodes) {
            if (!node.cpus.empty() && node.memory.value != 0) { home_ = node.id; }
        }
        plan asked;
        auto& pool = asked.pools.emplace_back();
        pool.name = "p";
        pool.nodes = {home_};
        pool.workers_per_node = 1;
        pool.memory.per_worker = 8_MiB;
        pool.lane.capacity = 64;
        pool.enforce = enforcement::strict;
        bridge_.emplace(io_, asked, machine_);
        port_ = &bridge_->open<int, std::uint32_t, where>("p");
        bridge_->on_placement_change([this](const std::vector<placement>& changed) {
            for (const auto& p : changed) { told_.push_back(to_text(p)); }
        });
        bridge_->start();
        cpu_ = bridge_->sites().workers.at(0).cpu;
    }

    std::vector<cpu_id> all_but(const std::vector<cpu_id>& taken) const {
        std::vector<cpu_id> rest;
        for (const auto& cpu : machine_.cpus) {
            if (std::find(taken.begin(), taken.end(), cpu.id) == taken.end()) { rest.push_back(cpu.id); }
        }
        return rest;
    }

    /// Where a request is served at this moment.
    cpu_id runs_on() {
        std::uint32_t ran = ~0U;
        port_->async_call(port_->at(0), 1, [&](error_code ec, std::uint32_t cpu) {
            EXPECT_FALSE(ec);
            ran = cpu;
        });
        io_.restart();
        io_.run();
        return {ran};
    }
    node_id node_of(cpu_id cpu) const { return machine_.find(cpu) == nullptr ? node_id{~0U} : machine_.find(cpu)->node; }

    std::string degraded() const { return degraded_of(*bridge_); }
    bool told(const std::string& what) {
        io_.restart();
        io_.run();
        return std::any_of(told_.begin(), told_.end(), [&](const auto& t) { return t.find(what) != std::string::npos; });
    }

    const topology machine_ = discover_topology();
    node_id home_;
    cpu_id cpu_;
    asio::io_context io_;
    std::optional<bridge> bridge_;
    port<int, std::uint32_t>* port_ = nullptr;
    std::vector<std::string> told_;
};

TEST_F(worker_change, of_a_cpu_that_goes_offline_moves_the_worker_within_its_node_and_back) {
    EXPECT_EQ(runs_on(), cpu_);
    ASSERT_TRUE(set_online(cpu_, false));
    const auto gone = "CPU " + std::to_string(cpu_.value) + " is offline";
    // While the CPU is on its way out the kernel may refuse its node's others for a moment.
    EXPECT_TRUE(within_a_second([&] {
        return degraded().find(gone) != std::string::npos && runs_on() != cpu_ && node_of(runs_on()) == home_;
    })) << degraded();
    EXPECT_TRUE(told("is offline"));
    EXPECT_EQ(bridge_->status().workers.at(0).displacements, 1U);

    ASSERT_TRUE(set_online(cpu_, true));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
    EXPECT_TRUE(told("(honoured)"));
}

TEST_F(worker_change, of_the_cpuset_moves_the_worker_within_its_node_and_back) {
    own_cpuset cpuset;
    ASSERT_TRUE(cpuset.allow(all_but({cpu_})));
    EXPECT_TRUE(within_a_second([&] {
        return degraded().find("outside the cpuset") != std::string::npos && node_of(runs_on()) == home_;
    })) << degraded();
    ASSERT_TRUE(cpuset.allow(all_but({})));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
}

TEST_F(worker_change, that_takes_every_cpu_of_the_node_moves_the_worker_to_the_nearest_and_back) {
    own_cpuset cpuset;
    ASSERT_TRUE(cpuset.allow(all_but(machine_.find(home_)->cpus)));
    EXPECT_TRUE(within_a_second([&] { return degraded().find("every other CPU of its node") != std::string::npos; })) << degraded();
    const auto refuge = node_of(runs_on());
    EXPECT_NE(refuge, home_);
    for (const auto node : machine_.executor_nodes()) {
        if (node != home_) { EXPECT_LE(machine_.distance(home_, refuge), machine_.distance(home_, node)); }
    }
    ASSERT_TRUE(cpuset.allow(all_but({})));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
}

/// The node of a page that a service gets from the kernel now, by its thread's policy, as the kernel says.
struct heap_user {
    explicit heap_user(node_context&) {}
    std::uint32_t operator()(int) const {
        constexpr std::size_t size = 64U << 10;  // by mmap: malloc keeps pages that it has had
        void* const block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) { return ~0U; }
        std::memset(block, 1, size);
        std::array<void*, 1> page{block};
        std::array<int, 1> node{-1};
        const bool asked = ::move_pages(0, 1, page.data(), nullptr, node.data(), 0) == 0;
        ::munmap(block, size);
        return asked ? static_cast<std::uint32_t>(node[0]) : ~0U;
    }
};

/// Where memory of this process is that has the policy, by the kernel's list of mappings.
std::map<node_id, bytes> pages_by_policy(const std::string& policy) {
    std::map<node_id, bytes> found;
    for (const auto& mapping : audit_process(0).mappings) {
        if (mapping.policy.compare(0, policy.size(), policy) != 0) { continue; }
        for (const auto& [node, size] : mapping.on_node) { found[node] = found[node] + size; }
    }
    return found;
}

class memory_change : public ::testing::TestWithParam<memory_policy> {};

TEST_P(memory_change, that_takes_the_node_from_the_cpuset_is_told_and_undone_when_it_is_back) {
    if (!std::filesystem::exists("/run/guest.sh")) { std::abort(); }  // somebody's real machine
    const auto machine = discover_topology();
    std::vector<node_id> with_memory;
    for (const auto& node : machine.nodes) {
        if (node.memory.value != 0) { with_memory.push_back(node.id); }
    }
    const auto last = machine.executor_nodes().back();
    const auto home = machine.nearest_memory(last).value();
    auto without_home = with_memory;
    std::erase(without_home, home);
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.nodes = {last};
    pool.workers_per_node = 1;
    pool.memory.policy = GetParam();
    pool.memory.per_worker = 16_MiB;  // enough for every node to have huge pages of it
    pool.lane.capacity = 64;
    pool.enforce = enforcement::strict;
    asio::io_context io;
    bridge b{io, asked, machine};
    auto& p = b.open<int, std::uint32_t, heap_user>("p");
    b.start();
    const auto heap_node = [&] {
        std::uint32_t node = ~0U;
        p.async_call(p.at(0), 1, [&](error_code, std::uint32_t answer) { node = answer; });
        io.restart();
        io.run();
        return node_id{node};
    };
    EXPECT_EQ(heap_node(), home);
    own_cpuset cpuset;
    ASSERT_TRUE(cpuset.allow(without_home));
    EXPECT_TRUE(within_a_second([&] { return degraded_of(b).find("the memory nodes of this process's cpuset") != std::string::npos; })) << degraded_of(b);
    EXPECT_NE(heap_node(), home);
    const bool interleaved = GetParam() == memory_policy::interleave;
    if (!interleaved) { EXPECT_NE(b.status().workers.at(0).page_locality, 1.0); }  // that is over all of the nodes

    ASSERT_TRUE(cpuset.allow(with_memory));
    EXPECT_TRUE(within_a_second([&] { return degraded_of(b).empty(); })) << degraded_of(b);
    EXPECT_EQ(heap_node(), home);
    for (const auto& placed : b.placements()) {
        if (!placed.pages) { continue; }
        if (interleaved && placed.subject == placement_subject::service_memory) {
            for (const auto node : with_memory) { EXPECT_GT(placed.pages->on(node), 0U) << to_text(placed); }
        } else {
            EXPECT_EQ(placed.pages->on(home), placed.pages->asked) << to_text(placed);
        }
    }
    EXPECT_TRUE(within_a_second([&] { return b.status().workers.at(0).page_locality == 1.0; }));

    // Mostly too short for a look to see the cpuset without the node; one that meets the change half way tries again at the next.
    ASSERT_TRUE(cpuset.allow(without_home) && cpuset.allow(with_memory));
    EXPECT_TRUE(within(4s, [&] {
        if (!degraded_of(b).empty()) { return false; }
        const auto found = pages_by_policy(std::string(to_string(GetParam())));
        return !found.empty() && found.size() == (interleaved ? with_memory.size() : 1U) && found.begin()->second.value != 0 && found.count(home) == 1;
    }));
}
INSTANTIATE_TEST_SUITE_P(, memory_change, ::testing::Values(memory_policy::bind, memory_policy::interleave),
                         [](const auto& p) { return std::string(to_string(p.param)); });

/// Holds a page in a pipe, so that the kernel cannot move it, for as long as this lives.
class held_page {
public:
    explicit held_page(std::span<std::byte> page) {
        EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
        const iovec all{page.data(), page.size()};
        EXPECT_EQ(::vmsplice(ends_[1], &all, 1, 0), static_cast<ssize_t>(page.size()));
    }
    ~held_page() {
        for (const int end : ends_) { ::close(end); }
    }
    held_page(const held_page&) = delete;
    held_page& operator=(const held_page&) = delete;

private:
    std::array<int, 2> ends_{};
};

// A look that meets the change of a cpuset half way finds what this one does: allowed, and yet not to be moved.
TEST(memory_that_cannot_be_moved_back, is_tried_again_at_the_next_look_then_after_twice_as_many_each_time) {
    if (!std::filesystem::exists("/run/guest.sh")) { std::abort(); }  // somebody's real machine
    std::vector<node_id> nodes;
    for (const auto& node : discover_topology().nodes) {
        if (node.memory.value != 0) { nodes.push_back(node.id); }
    }
    ASSERT_GE(nodes.size(), 2U);
    const std::vector<node_id> home{nodes.front()};
    const std::vector<node_id> other{nodes.back()};
    node_region region{64_KiB};
    ASSERT_FALSE(region.bind(home.front(), memory_policy::bind));
    ASSERT_FALSE(region.prefault());
    placement settled;
    settled.subject = placement_subject::service_memory;
    settled.outcome = placement_outcome::honoured;
    settled.pages = region.audit();
    ASSERT_EQ(settled.pages->on(home.front()), settled.pages->asked);
    region_keeper keeper{region, memory_policy::bind, home, settled};
    const std::atomic<std::uint32_t> ends{0};
    EXPECT_FALSE(keeper.look(ends).has_value());

    for (const int held_for : {1, 2, 4}) {
        ASSERT_FALSE(platform::bind_pages(region.data(), other, memory_policy::bind, true));
        std::optional<held_page> held{region.data().first(region.page_size().value)};
        const auto told = keeper.look(ends);
        ASSERT_TRUE(told.has_value());
        EXPECT_EQ(told->outcome, placement_outcome::degraded) << to_text(*told);
        for (int look = 1; look < held_for; ++look) { EXPECT_FALSE(keeper.look(ends).has_value()); }
        EXPECT_TRUE(keeper.is_away());

        held.reset();
        for (int look = 1; look < held_for; ++look) { EXPECT_FALSE(keeper.look(ends).has_value()); }
        const auto back = keeper.look(ends);
        ASSERT_TRUE(back.has_value()) << held_for;
        EXPECT_EQ(back->outcome, placement_outcome::honoured) << to_text(*back);
        EXPECT_EQ(back->pages->on(home.front()), back->pages->asked);
        EXPECT_FALSE(keeper.is_away());
    }
}

TEST_F(worker_change, of_a_cpuset_of_version_1_moves_the_worker_within_its_node_and_back) {
    if (kernel_is_at_least(6, 12)) { return; }  // Debian's are without them
    const own_cpuset_v1 cpuset;
    ASSERT_TRUE(cpuset.allow(machine_.memory_nodes()));
    ASSERT_TRUE(cpuset.allow(all_but({})));
    cpuset.enter();
    ASSERT_TRUE(cpuset.allow(all_but({cpu_})));
    EXPECT_TRUE(within_a_second([&] { return !degraded().empty() && runs_on() != cpu_ && node_of(runs_on()) == home_; })) << degraded();
    ASSERT_TRUE(cpuset.allow(all_but({})));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
}

}  // namespace
}  // namespace numasio::test
