// What this process may use: each limit by itself, put together, and read again from a thread that is pinned.
#include <numasio/process_limits.hpp>

#include <numasio/affinity.hpp>
#include <numasio/topology.hpp>

#include "src/platform/cpuset_group.hpp"

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace {

using namespace numasio;
using testing::ElementsAre;
namespace fs = std::filesystem;

std::vector<cpu_id> cpus(std::initializer_list<std::uint32_t> numbers) {
    std::vector<cpu_id> ids;
    for (const auto n : numbers) { ids.push_back({n}); }
    return ids;
}

TEST(process_limits, leaves_what_is_online_in_the_cpuset_and_in_the_affinity_mask) {
    process_limits limits;
    limits.online_cpus = cpus({0, 1, 2, 3, 70});
    EXPECT_EQ(limits.usable_cpus(), limits.online_cpus);
    limits.cpuset_cpus = cpus({1, 2, 70, 900});
    EXPECT_EQ(limits.usable_cpus(), cpus({1, 2, 70}));
    limits.affinity = cpus({0, 2, 70, 901});
    EXPECT_EQ(limits.usable_cpus(), cpus({2, 70}));
}

TEST(process_limits, an_affinity_mask_outside_the_cpuset_counts_for_nothing_as_with_the_kernel) {
    process_limits limits;
    limits.online_cpus = cpus({0, 1, 2, 3});
    limits.cpuset_cpus = cpus({0, 1});
    limits.affinity = cpus({2, 3});
    EXPECT_EQ(limits.usable_cpus(), cpus({0, 1}));
}

TEST(limits_now, leave_exactly_what_the_threads_mask_has) {
    const process_limits limits = limits_now();
    EXPECT_EQ(limits.usable_cpus(), this_thread_cpus());
    EXPECT_FALSE(limits.memory_nodes.empty());
    EXPECT_EQ(limits_now(limits), limits);
}

TEST(limits_now, take_a_narrow_mask_for_the_affinity_that_the_process_was_given) {
    std::thread([] {
        const cpu_id last = this_thread_cpus().back();
        ASSERT_FALSE(pin_this_thread(std::vector<cpu_id>{last}));
        const process_limits limits = limits_now();
        EXPECT_EQ(limits.usable_cpus(), std::vector<cpu_id>{last});
        if (limits.online_cpus.size() > 1) { EXPECT_EQ(limits.affinity, std::vector<cpu_id>{last}); }
    }).join();
}

TEST(limits_now, of_a_pinned_thread_are_the_processs_where_those_of_before_are_given) {
    const process_limits before = limits_now();
    std::thread([&] {
        ASSERT_FALSE(pin_this_thread(std::vector<cpu_id>{this_thread_cpus().back()}));
        EXPECT_EQ(limits_now(before), before);
        EXPECT_EQ(discover_topology(before).allowed_cpus(), before.usable_cpus());
        EXPECT_EQ(discover_topology(before).limits, before);
    }).join();
}

TEST(limits_now, are_those_of_before_where_no_descriptor_is_left_to_read_them_with) {
    process_limits before = limits_now();
    before.online_cpus.push_back({before.online_cpus.back().value + 1});  // so that a reading would show
    if (before.cpuset_cpus) { before.cpuset_cpus->push_back(before.online_cpus.back()); }
    rlimit open_files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &open_files), 0);
    const rlimit none{0, open_files.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const process_limits now = limits_now(before);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &open_files), 0);
    EXPECT_EQ(now, before);
    EXPECT_NE(limits_now(before), before);
}

TEST(live_topology, tells_that_the_affinity_mask_denies_a_cpu) {
    std::thread([] {
        const auto all = this_thread_cpus();
        ASSERT_FALSE(pin_this_thread(std::vector<cpu_id>{all.back()}));
        const topology machine = discover_topology();
        for (const cpu_info& cpu : machine.cpus) {
            const bool mine = cpu.id == all.back();
            EXPECT_EQ(cpu.allowed, mine);
            if (mine) { EXPECT_EQ(cpu.denied, cpu_denial::none); }
            if (std::find(all.begin(), all.end() - 1, cpu.id) != all.end() - 1) { EXPECT_EQ(cpu.denied, cpu_denial::affinity); }
        }
    }).join();
}

// The files are written here, their form is the kernel's.
class cpuset_group : public ::testing::Test {
protected:
    cpuset_group() { fs::create_directories(root_); }
    ~cpuset_group() override { fs::remove_all(root_); }
    void write(const fs::path& file, const std::string& text) const {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }
    auto found() const { return platform::cpuset_of_process(root_ / "membership", root_ / "mount"); }

    const fs::path root_ = fs::temp_directory_path() / ("numasio_cpuset_group_" + std::to_string(::getpid()));
};

TEST_F(cpuset_group, of_version_2_is_the_nearest_above_that_has_the_controller) {
    write("membership", "0::/system.slice/kv.service/inner\n");
    write("mount/cpuset.cpus.effective", "0-7\n");
    write("mount/system.slice/kv.service/cpuset.cpus.effective", "2-3,300\n");
    const auto group = found();
    ASSERT_TRUE(group);
    EXPECT_EQ(group->cpus, cpus({2, 3, 300}));
    EXPECT_EQ(group->folder, (root_ / "mount/system.slice/kv.service").string());
}

TEST_F(cpuset_group, of_version_1_comes_before_an_empty_version_2_hierarchy) {
    write("membership", "0::/\n9:name=systemd:/x\n4:cpu,cpuacct:/y\n3:cpuset:/docker/abc\n");
    write("mount/cpuset/cpuset.cpus", "0-7\n");
    write("mount/cpuset/docker/abc/cpuset.cpus", "1,4-5\n");
    write("mount/cpuset/docker/abc/cpuset.effective_cpus", "4-5\n");
    EXPECT_EQ(found()->cpus, cpus({4, 5}));
    fs::remove(root_ / "mount/cpuset/docker/abc/cpuset.effective_cpus");
    EXPECT_EQ(found()->cpus, cpus({1, 4, 5}));
}

TEST_F(cpuset_group, is_absent_without_groups_and_where_its_files_make_no_sense) {
    EXPECT_FALSE(found());
    write("membership", "nonsense\n0:\n0::/a\n");
    EXPECT_FALSE(found());
    for (const char* text : {"", "\n", "0-\n", "x\n"}) {
        write("mount/a/cpuset.cpus.effective", text);
        EXPECT_FALSE(found()) << '"' << text << '"';
    }
}

}  // namespace
