// Reads control groups: which one we are in, what it and the ones above it grant.
#include "src/platform/memory_group.hpp"

#include "src/platform/number_in.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

namespace numasio::platform {
namespace {

namespace fs = std::filesystem;

/// The names that a version of the interface has for the same things.
struct group_files {
    const char* limit;
    const char* used;
    const char* inactive_cache;
    const char* active_cache;
};
constexpr group_files keys_of_version_2{"memory.max", "memory.current", "inactive_file", "active_file"};
constexpr group_files keys_of_version_1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                                "total_active_file"};

std::uint64_t file_cache(const fs::path& group, const group_files& names) {
    std::ifstream in(group / "memory.stat");
    std::uint64_t sum = 0;
    std::uint64_t value = 0;
    for (std::string name; in >> name >> value;) {
        if (name == names.inactive_cache || name == names.active_cache) { sum += value; }
    }
    return sum;
}

std::optional<group_room> room_of(const fs::path& group, const group_files& names) {
    const auto limit = number_in<std::uint64_t>(group / names.limit);
    const auto used = number_in<std::uint64_t>(group / names.used);
    constexpr std::uint64_t unlimited = std::uint64_t{1} << 60;  // how version 1 says that there is none
    if (!limit || !used || *limit >= unlimited) { return std::nullopt; }
    return group_room{{*limit}, {*used}, {file_cache(group, names) / 2}};
}

std::uint64_t left_in(const group_room& room) {
    const auto usable = room.limit.value + room.reclaimable.value;
    return usable - std::min(usable, room.used.value);
}

/// One line of /proc/self/cgroup, "ID:CONTROLLERS:PATH".
void add_groups(const std::string& line, const fs::path& mount, std::vector<std::pair<fs::path, group_files>>& found) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) { return; }
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_version_2 = controllers == ",,";
    if (!is_version_2 && controllers.find(",memory,") == std::string::npos) { return; }
    const auto root = is_version_2 ? mount : mount / "memory";
    auto below = fs::path(line.substr(second + 1)).relative_path();
    for (;; below = below.parent_path()) {  // in a container without its own namespace the lower ones are not there
        found.emplace_back(below.empty() ? root : root / below, is_version_2 ? keys_of_version_2 : keys_of_version_1);
        if (below.empty()) { return; }
    }
}

}  // namespace

std::optional<group_room> room_in_group(const std::string& membership, const std::string& mount) {
    std::vector<std::pair<fs::path, group_files>> groups;
    std::ifstream in(membership);
    for (std::string line; std::getline(in, line);) { add_groups(line, mount, groups); }
    std::optional<group_room> tightest;
    for (const auto& [group, names] : groups) {
        const auto room = room_of(group, names);
        if (room && (!tightest || left_in(*room) < left_in(*tightest))) { tightest = room; }
    }
    return tightest;
}

}  // namespace numasio::platform
