// Memory policies, and the nodes that they are about: which are allowed, what they have free. Private to src/.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/plan.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace numasio::platform {

/// mbind(2) on the pages, moving those that are elsewhere where `move`; set_mempolicy(2) for the calling thread.
/// EINVAL for a set of nodes that is empty, unless the policy is local.
error_code bind_pages(std::span<std::byte> pages, std::span<const node_id> nodes, memory_policy policy, bool move = false);
/// The nodes of the policy that the page's mapping has now, ascending; absent where the kernel does not say.
std::optional<std::vector<node_id>> policy_nodes_of(const void* page);

error_code set_thread_policy(node_id node, memory_policy policy);

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

/// The bits of /proc/sys/kernel/numa_balancing: 1 balances, 2 moves between tiers of memory. Absent where it cannot be read.
std::optional<unsigned> balancing_setting() noexcept;

}  // namespace numasio::platform
