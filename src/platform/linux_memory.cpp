// The memory calls: mapping, policy, prefault, where pages are, what a node has free.
#include "src/platform/linux_memory.hpp"

#include "src/platform/bit_mask.hpp"
#include "src/platform/errno_code.hpp"

#include <boost/system/system_error.hpp>
#include <hwloc/bitmap.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries lack the name
#endif

namespace numasio::platform {
namespace {

// The kernel takes masks of at most a page of bits; a larger number is a mistake.
constexpr std::uint32_t node_limit = 4096 * 8;

struct policy_call {
    int mode = MPOL_LOCAL;
    bit_mask nodes{0};
    // The kernel looks at one bit less than it is told.
    unsigned long bits() const noexcept { return nodes.bits() == 0 ? 0 : nodes.bits() + 1; }
    unsigned long* mask() noexcept { return nodes.bits() == 0 ? nullptr : nodes.data(); }
};

policy_call call_for(node_id node, memory_policy policy) {
    policy_call call;
    if (policy == memory_policy::local) { return call; }
    call.mode = policy == memory_policy::bind ? MPOL_BIND : MPOL_PREFERRED;
    call.nodes = bit_mask(node.value + 1);
    call.nodes.set(node.value);
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

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

std::span<std::byte> map_pages(std::size_t size) {
    void* const start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        throw boost::system::system_error(last_error(), "mmap of " + std::to_string(size) + " bytes");
    }
    return {static_cast<std::byte*>(start), size};
}

void unmap_pages(std::span<std::byte> pages) noexcept {
    if (!pages.empty()) { ::munmap(pages.data(), pages.size()); }
}

error_code bind_pages(std::span<std::byte> pages, node_id node, memory_policy policy) {
    if (node.value >= node_limit) { return errno_code(EINVAL); }
    policy_call call = call_for(node, policy);
    if (::mbind(pages.data(), pages.size(), call.mode, call.mask(), call.bits(), 0) != 0) { return last_error(); }
    return {};
}

error_code set_thread_policy(node_id node, memory_policy policy) {
    if (node.value >= node_limit) { return errno_code(EINVAL); }
    policy_call call = call_for(node, policy);
    if (::set_mempolicy(call.mode, call.mask(), call.bits()) != 0) { return last_error(); }
    return {};
}

error_code populate(std::span<std::byte> pages) noexcept {
    while (::madvise(pages.data(), pages.size(), MADV_POPULATE_WRITE) != 0) {
        if (errno != EINTR && errno != EAGAIN) { return last_error(); }
    }
    return {};
}

error_code locate_pages(std::span<void*> pages, std::span<int> status, int pid) noexcept {
    if (::move_pages(pid, pages.size(), pages.data(), nullptr, status.data(), 0) < 0) { return last_error(); }
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

bytes physical_memory() noexcept {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    return {pages > 0 ? static_cast<std::uint64_t>(pages) * page_size() : 0};
}

}  // namespace numasio::platform
