// The machine changes while workers run: CPUs go offline, the cpuset shrinks, and all comes back. Changes the machine, so it
// runs in the emulated one alone: ./dev numa-vm --topology four_asymmetric -- build/dev/bin/numa_change_test
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/affinity.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace numasio::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write(const fs::path& file, const std::string& text) {
    std::ofstream out(file);
    out << text << std::flush;
    ASSERT_TRUE(out) << file << " <- " << text;
}

void set_online(cpu_id cpu, bool online) {
    write("/sys/devices/system/cpu/cpu" + std::to_string(cpu.value) + "/online", online ? "1" : "0");
}

/// This process in a cpuset of its own, which is the whole machine again in the end.
class own_cpuset {
public:
    own_cpuset() {
        write(root / "cgroup.subtree_control", "+cpuset");
        fs::create_directory(group);
        write(group / "cgroup.procs", std::to_string(::getpid()));
    }
    ~own_cpuset() {
        write(root / "cgroup.procs", std::to_string(::getpid()));
        fs::remove(group);
    }
    void cpus(const std::vector<cpu_id>& list) { write(group / "cpuset.cpus", to_list(list)); }
    void memory(const std::vector<node_id>& list) { write(group / "cpuset.mems", to_list(list)); }

private:
    const fs::path root = "/sys/fs/cgroup";
    const fs::path group = root / "numasio_change_test";
};

struct where {
    explicit where(node_context&) {}
    std::uint32_t operator()(int) const { return current_cpu().value_or(cpu_id{~0U}).value; }
};

/// One strict worker on the last node that has CPUs and memory, and what was told of it.
class change : public ::testing::Test {
protected:
    change() {
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

    std::string degraded() const {
        std::string all;
        for (const auto& reason : bridge_->status().degraded) { all += reason + "\n"; }
        return all;
    }
    template <class Done>
    static bool within_a_second(Done done) {
        const auto until = std::chrono::steady_clock::now() + 1s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > until) { return false; }
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }
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

TEST_F(change, of_a_cpu_that_goes_offline_moves_the_worker_within_its_node_and_back) {
    EXPECT_EQ(runs_on(), cpu_);
    set_online(cpu_, false);
    const auto gone = "CPU " + std::to_string(cpu_.value) + " is offline";
    EXPECT_TRUE(within_a_second([&] { return degraded().find(gone) != std::string::npos; })) << degraded();
    EXPECT_NE(runs_on(), cpu_);
    EXPECT_EQ(node_of(runs_on()), home_);
    EXPECT_TRUE(told("is offline"));
    EXPECT_EQ(bridge_->status().workers.at(0).displacements, 1U);

    set_online(cpu_, true);
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
    EXPECT_TRUE(told("(honoured)"));
}

TEST_F(change, of_the_cpuset_moves_the_worker_within_its_node_and_back) {
    own_cpuset cpuset;
    cpuset.cpus(all_but({cpu_}));
    EXPECT_TRUE(within_a_second([&] { return degraded().find("outside the cpuset") != std::string::npos; })) << degraded();
    EXPECT_EQ(node_of(runs_on()), home_);
    cpuset.cpus(all_but({}));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
}

TEST_F(change, that_takes_every_cpu_of_the_node_moves_the_worker_to_the_nearest_and_back) {
    own_cpuset cpuset;
    cpuset.cpus(all_but(machine_.find(home_)->cpus));
    EXPECT_TRUE(within_a_second([&] { return degraded().find("every other CPU of its node") != std::string::npos; })) << degraded();
    const auto refuge = node_of(runs_on());
    EXPECT_NE(refuge, home_);
    for (const auto node : machine_.executor_nodes()) {
        if (node != home_) { EXPECT_LE(machine_.distance(home_, refuge), machine_.distance(home_, node)); }
    }
    cpuset.cpus(all_but({}));
    EXPECT_TRUE(within_a_second([&] { return degraded().empty(); })) << degraded();
    EXPECT_EQ(runs_on(), cpu_);
}

}  // namespace
}  // namespace numasio::test

int main(int argc, char** argv) {
    ::testing::InitGoogleMock(&argc, argv);
    if (std::getenv("NUMASIO_GUEST") == nullptr) {
        std::fprintf(stderr, "this program takes CPUs offline; run it in the emulated machine: ./dev numa-vm -- %s\n", argv[0]);
        return 2;
    }
    return RUN_ALL_TESTS();
}
