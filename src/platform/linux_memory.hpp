// The memory calls: mapping, policy, prefault, where pages are, what a node has free. Private to src/.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/plan.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace numasio::platform {

std::size_t page_size() noexcept;

/// Anonymous private memory; `size` is a multiple of the page size. Throws system_error.
std::span<std::byte> map_pages(std::size_t size);
void unmap_pages(std::span<std::byte> pages) noexcept;

/// mbind(2) on the pages, set_mempolicy(2) for the calling thread.
error_code bind_pages(std::span<std::byte> pages, node_id node, memory_policy policy);
error_code set_thread_policy(node_id node, memory_policy policy);

/// MADV_POPULATE_WRITE; EINVAL before Linux 5.14.
error_code populate(std::span<std::byte> pages) noexcept;

/// move_pages(2) as a query: `status[i]` is the node of `pages[i]`, or a negated errno. `pid` 0: this process.
error_code locate_pages(std::span<void*> pages, std::span<int> status, int pid = 0) noexcept;

/// The nodes that this thread may take memory from: the kernel's answer, or, where a container's filter
/// forbids that call, /proc. Absent where neither can be read.
std::optional<std::vector<node_id>> allowed_memory_nodes();

struct node_room {
    bytes total;
    bytes free;
    bytes reclaimable;  ///< file cache and slabs that the kernel gives up under pressure, half of them counted
};
/// Source: sysfs. Absent where the kernel shows no such node.
std::optional<node_room> room_on(node_id node);

/// Sources: sysconf. For a machine whose nodes cannot be read.
bytes physical_memory() noexcept;

}  // namespace numasio::platform
