// What regions were promised on each node and have not touched yet, so that two of them are not sold the same room.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace numasio {

/// The account is the process's. Threads: any. Blocks: reads files of sysfs under a mutex; at start-up only.
namespace node_budget {

/// Promises `size` bytes of `node`; false, and nothing promised, where so much is not free less a reserve and
/// less what others were promised. A node that the kernel does not show, or that has no memory, is not judged.
bool promise(node_id node, std::size_t size);

/// Promises `size` bytes of `nodes` together, the first first; absent, and nothing promised, where they have too little.
/// For each node what was promised of it.
std::optional<std::map<node_id, std::uint64_t>> promise_among(std::span<const node_id> nodes, std::size_t size);

/// Takes back what was touched by now or never will be.
void settle(node_id node, std::size_t size) noexcept;

/// What promise() would grant of the node, and promise_anywhere() of all, at this moment. Absent where the kernel shows
/// no such node.
std::optional<bytes> room(node_id node);
bytes room_in_all();

/// What is promised of `node` at this moment.
bytes promised(node_id node);

/// Promises `size` bytes on whichever nodes: the same, judged by what all allowed nodes together, and the container,
/// have free. Settled with node `anywhere`.
bool promise_anywhere(std::size_t size);
inline constexpr node_id anywhere{0xffff'ffff};

/// True where all that is promised, the asker's too, fits as a whole: the container may be tighter than the node.
bool promises_fit();

}  // namespace node_budget

}  // namespace numasio
