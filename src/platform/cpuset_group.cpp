// Looks a process's cpuset up: the line of /proc/self/cgroup that tells the group, then that group's effective CPUs.
#include "src/platform/cpuset_group.hpp"

#include "src/platform/id_list.hpp"

#include <array>
#include <filesystem>
#include <fstream>

namespace numasio::platform {
namespace {

namespace fs = std::filesystem;

struct hierarchy {
    fs::path root;
    fs::path group;  // relative to the root
    std::array<const char*, 2> files;
};

// Version 1 also knows the CPUs that were asked for; where it is old that is all it knows. The kernel keeps both within
// what the groups above have.
constexpr std::array<const char*, 2> cpus_of_version_1{"cpuset.effective_cpus", "cpuset.cpus"};
constexpr std::array<const char*, 2> cpus_of_version_2{"cpuset.cpus.effective", "cpuset.cpus.effective"};

// Beside a version 1 hierarchy with cpusets, version 2 has none: the first that there is counts.
std::vector<hierarchy> hierarchies(const std::string& membership, const fs::path& mount) {
    std::vector<hierarchy> found;
    std::ifstream in(membership);
    for (std::string line; std::getline(in, line);) {  // "ID:CONTROLLERS:PATH"
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) { continue; }
        const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const auto group = fs::path(line.substr(second + 1)).relative_path();
        if (controllers.find(",cpuset,") != std::string::npos) {
            found.insert(found.begin(), {mount / "cpuset", group, cpus_of_version_1});
        } else if (controllers == ",,") {
            found.push_back({mount, group, cpus_of_version_2});
        }
    }
    return found;
}

std::optional<cpuset_group> nearest(hierarchy in) {
    for (;; in.group = in.group.parent_path()) {  // in a container without its own namespace the lower ones are not there
        const fs::path folder = in.group.empty() ? in.root : in.root / in.group;
        for (const char* const file : in.files) {
            const auto cpus = read_list<cpu_id>((folder / file).string());
            if (cpus && !cpus->empty()) { return cpuset_group{folder.string(), *cpus}; }
        }
        if (in.group.empty()) { return std::nullopt; }
    }
}

}  // namespace

std::optional<cpuset_group> cpuset_of_process(const std::string& membership, const std::string& mount) {
    for (const hierarchy& one : hierarchies(membership, mount)) {
        if (auto group = nearest(one)) { return group; }
    }
    return std::nullopt;
}

}  // namespace numasio::platform
