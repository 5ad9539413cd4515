// The calls about memory policies, and what the kernel tells of the nodes.
#include "src/platform/memory_nodes.hpp"

#include "src/platform/bit_mask.hpp"
#include "src/platform/errno_code.hpp"
#include "src/platform/linux_memory.hpp"

#include <hwloc/bitmap.h>
#include <numaif.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace numasio::platform {
namespace {

constexpr int static_nodes = 1 << 15;  // MPOL_F_STATIC_NODES, which libnuma's header lacks

// The kernel takes masks of at most a page of bits; a larger number is a mistake.
constexpr std::uint32_t node_limit = 4096 * 8;

// By number: libnuma's header lacks the newest names.
int mode_of(memory_policy policy) noexcept {
    switch (policy) {
        case memory_policy::bind: return MPOL_BIND;
        case memory_policy::preferred: return MPOL_PREFERRED;
        case memory_policy::local: return MPOL_LOCAL;
        case memory_policy::preferred_many: return 5;
        case memory_policy::interleave: return MPOL_INTERLEAVE;
        case memory_policy::weighted_interleave: return 6;
    }
    return -1;
}

struct policy_call {
    int mode = MPOL_LOCAL;
    bit_mask nodes{0};
    // The kernel looks at one bit less than it is told.
    unsigned long bits() const noexcept { return nodes.bits() == 0 ? 0 : nodes.bits() + 1; }
    unsigned long* mask() noexcept { return nodes.bits() == 0 ? nullptr : nodes.data(); }
};

/// Absent where a number is out of any kernel's range.
std::optional<policy_call> call_for(std::span<const node_id> nodes, memory_policy policy) {
    policy_call call;
    call.mode = mode_of(policy);
    if (policy == memory_policy::local) { return call; }
    if (nodes.empty()) { return std::nullopt; }
    const node_id last = *std::max_element(nodes.begin(), nodes.end());
    if (last.value >= node_limit) { return std::nullopt; }
    call.nodes = bit_mask(last.value + 1);
    for (const node_id node : nodes) { call.nodes.set(node.value); }
    return call;
}

std::optional<std::vector<node_id>> allowed_by_proc() {
    std::ifstream status("/proc/thread-self/status");
    const std::string key = "Mems_allowed_list:";
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, key.size(), key) != 0) { continue; }
        const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> set(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
        const std::size_t start = line.find_first_not_of(" \t", key.size());
        if (set == nullptr || start == std::string::npos) { return std::nullopt; }
        if (hwloc_bitmap_list_sscanf(set.get(), line.c_str() + start) != 0) { return std::nullopt; }
        std::vector<node_id> nodes;
        for (int i = hwloc_bitmap_first(set.get()); i >= 0; i = hwloc_bitmap_next(set.get(), i)) {
            nodes.push_back(node_id{static_cast<std::uint32_t>(i)});
        }
        return nodes;
    }
    return std::nullopt;
}

}  // namespace

error_code bind_pages(std::span<std::byte> pages, std::span<const node_id> nodes, memory_policy policy, bool move) {
    auto call = call_for(nodes, policy);
    if (!call) { return errno_code(EINVAL); }
    const unsigned flags = move ? MPOL_MF_MOVE : 0;
    if (::mbind(pages.data(), pages.size(), call->mode, call->mask(), call->bits(), flags) != 0) { return last_error(); }
    return {};
}

std::optional<std::vector<node_id>> policy_nodes_of(const void* page) {
    for (std::size_t bits = 1024; bits <= node_limit; bits *= 2) {
        bit_mask mask(bits);
        int mode = 0;
        if (::get_mempolicy(&mode, mask.data(), mask.bits(), const_cast<void*>(page), MPOL_F_ADDR) == 0) { return mask.ids<node_id>(); }
        if (errno != EINVAL) { break; }
    }
    return std::nullopt;
}

error_code set_thread_policy(node_id node, memory_policy policy) {
    auto call = call_for(std::span(&node, 1), policy);
    if (!call) { return errno_code(EINVAL); }
    // Static: a cpuset that loses the node and gets it back finds the policy as it was.
    if (::set_mempolicy(call->mode | (policy == memory_policy::local ? 0 : static_nodes), call->mask(), call->bits()) != 0) { return last_error(); }
    return {};
}

std::optional<std::vector<node_id>> allowed_memory_nodes() {
    // EINVAL: the mask is shorter than the kernel's; how long that is, no call tells.
    for (std::size_t bits = 1024; bits <= node_limit; bits *= 2) {
        bit_mask mask(bits);
        if (::get_mempolicy(nullptr, mask.data(), mask.bits(), nullptr, MPOL_F_MEMS_ALLOWED) == 0) {
            return mask.ids<node_id>();
        }
        if (errno != EINVAL) { break; }
    }
    return allowed_by_proc();
}

std::optional<node_room> room_on(node_id node) {
    std::ifstream meminfo("/sys/devices/system/node/node" + std::to_string(node.value) + "/meminfo");
    node_room room;
    bool found = false;
    for (std::string line; std::getline(meminfo, line);) {  // "Node 0 MemTotal:  5597388 kB"
        std::istringstream fields(line);
        std::string skipped;
        std::string name;
        std::uint64_t kib = 0;
        if (!(fields >> skipped >> skipped >> name >> kib)) { continue; }
        if (name == "MemTotal:") { room.total = {kib << 10}; found = true; }
        if (name == "MemFree:") { room.free = {kib << 10}; }
        if (name == "Active(file):" || name == "Inactive(file):" || name == "SReclaimable:") {
            room.reclaimable = room.reclaimable + bytes{kib << 9};
        }
    }
    if (!found) { return std::nullopt; }
    return room;
}

std::optional<unsigned> balancing_setting() noexcept try {
    std::ifstream in("/proc/sys/kernel/numa_balancing");
    unsigned bits = 0;
    if (in >> bits) { return bits; }
    return std::nullopt;
} catch (const std::exception&) {
    return std::nullopt;
}

bytes physical_memory() noexcept {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    return {pages > 0 ? static_cast<std::uint64_t>(pages) * page_size() : 0};
}

}  // namespace numasio::platform
