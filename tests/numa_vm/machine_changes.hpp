// Changes a real machine as its administrator would: CPUs off- and online, control groups. Only for the emulated ones.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/topology.hpp>

#include <gtest/gtest.h>

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace numasio::test {

/// One write, as the kernel wants it; false where it refuses.
inline bool write_file(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out(file);
    out << text << std::flush;
    return out.good();
}

inline bool set_online(cpu_id cpu, bool online) {
    return write_file("/sys/devices/system/cpu/cpu" + std::to_string(cpu.value) + "/online", online ? "1" : "0");
}

/// Every CPU of the machine online.
inline void bring_all_online() {
    for (const cpu_id cpu : discover_topology().offline_cpus) { ASSERT_TRUE(set_online(cpu, true)) << cpu.value; }
}

/// A control group that the process has left. A thread that was joined keeps its group busy until the kernel has taken it down, which here takes a while.
inline bool remove_group(const std::filesystem::path& group) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        if (::rmdir(group.c_str()) == 0) { return true; }
        if (errno != EBUSY) { return false; }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

/// A control group with a cpuset that this process is in for as long as this lives. Version 2.
class own_cpuset {
public:
    own_cpuset() {
        EXPECT_TRUE(write_file(root_ / "cgroup.subtree_control", "+cpuset"));
        std::filesystem::create_directory(group_);
        EXPECT_TRUE(write_file(group_ / "cgroup.procs", std::to_string(::getpid())));
    }
    ~own_cpuset() {
        EXPECT_TRUE(write_file(root_ / "cgroup.procs", std::to_string(::getpid())));
        EXPECT_TRUE(remove_group(group_));
        EXPECT_TRUE(write_file(root_ / "cgroup.subtree_control", "-cpuset"));
    }
    own_cpuset(const own_cpuset&) = delete;
    own_cpuset& operator=(const own_cpuset&) = delete;

    bool allow(const std::vector<cpu_id>& cpus) const { return write_file(group_ / "cpuset.cpus", to_list(cpus) + "\n"); }
    bool allow(const std::vector<node_id>& nodes) const { return write_file(group_ / "cpuset.mems", to_list(nodes) + "\n"); }
    std::string folder() const { return group_.string(); }

private:
    std::filesystem::path root_ = "/sys/fs/cgroup";
    std::filesystem::path group_ = root_ / "numasio_test";
};

/// The same with version 1, whose hierarchy takes the place of version 2's for as long as this lives.
class own_cpuset_v1 {
public:
    own_cpuset_v1() {
        EXPECT_EQ(::mount("cgroups", "/sys/fs/cgroup", "tmpfs", 0, nullptr), 0);
        std::filesystem::create_directory(root_);
        // The kernel lets go of a cpuset of version 2 a moment after it was removed.
        int refused = -1;
        for (int attempt = 0; attempt < 100 && refused != 0; ++attempt) {
            refused = ::mount("cpuset", root_.c_str(), "cgroup", 0, "cpuset");
            if (refused != 0) { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
        }
        if (refused != 0) { throw std::runtime_error("this kernel has no cpusets of version 1 (Debian's are without from 6.12 on)"); }
        std::filesystem::create_directory(group_);
    }
    ~own_cpuset_v1() {
        EXPECT_TRUE(write_file(root_ / "cgroup.procs", std::to_string(::getpid())));
        EXPECT_TRUE(remove_group(group_));
        // A hierarchy outlives its mount where a group that was just removed is still on its way out, and keeps the cpusets
        // from version 2: mounted and unmounted again it goes, a moment later.
        EXPECT_EQ(::umount2(root_.c_str(), 0), 0);
        for (int attempt = 0; attempt < 100 && !version_2_has_cpusets(); ++attempt) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            const bool time_to_go_was_given = attempt % 10 == 9;
            if (time_to_go_was_given && ::mount("cpuset", root_.c_str(), "cgroup", 0, "cpuset") == 0) { ::umount2(root_.c_str(), 0); }
        }
        EXPECT_TRUE(version_2_has_cpusets());
        EXPECT_EQ(::umount2("/sys/fs/cgroup", 0), 0);
    }
    own_cpuset_v1(const own_cpuset_v1&) = delete;
    own_cpuset_v1& operator=(const own_cpuset_v1&) = delete;

    void enter() const { EXPECT_TRUE(write_file(group_ / "cgroup.procs", std::to_string(::getpid()))); }
    bool allow(const std::vector<cpu_id>& cpus) const { return write_file(group_ / "cpuset.cpus", to_list(cpus) + "\n"); }
    bool allow(const std::vector<node_id>& nodes) const { return write_file(group_ / "cpuset.mems", to_list(nodes) + "\n"); }
    std::string folder() const { return group_.string(); }

private:
    static bool version_2_has_cpusets() {
        std::ifstream controllers("/proc/cgroups");
        std::string name;
        int hierarchy = -1;
        for (std::string line; std::getline(controllers, line);) {
            std::istringstream fields(line);
            if (fields >> name >> hierarchy && name == "cpuset") { return hierarchy == 0; }
        }
        return false;
    }

    std::filesystem::path root_ = "/sys/fs/cgroup/cpuset";
    std::filesystem::path group_ = root_ / "numasio_test";
};

}  // namespace numasio::test
