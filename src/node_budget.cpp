// The account of promised and untouched memory, by node.
#include "src/node_budget.hpp"

#include "src/platform/linux_memory.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace numasio {
namespace {

std::mutex account_mutex;
std::map<node_id, std::uint64_t> account;  // guarded by account_mutex

// What stays free on a node for the kernel and for everybody else: below its watermarks the kernel first
// stalls and then kills.
bytes reserve_of(bytes total) noexcept {
    using namespace literals;
    return std::max(32_MiB, bytes{total.value / 64});
}

std::uint64_t usable(const platform::node_room& room) noexcept {
    const std::uint64_t free = room.free.value + room.reclaimable.value;
    return free - std::min(free, reserve_of(room.total).value);
}

}  // namespace

bool node_budget::promise(node_id node, std::size_t size) {
    const std::lock_guard lock(account_mutex);
    const auto room = platform::room_on(node);
    if (room && room->total.value != 0 && account[node] + size > usable(*room)) { return false; }
    account[node] += size;
    return true;
}

void node_budget::settle(node_id node, std::size_t size) noexcept {
    const std::lock_guard lock(account_mutex);
    const auto found = account.find(node);
    if (found != account.end()) { found->second -= std::min<std::uint64_t>(found->second, size); }
}

bytes node_budget::promised(node_id node) {
    const std::lock_guard lock(account_mutex);
    const auto found = account.find(node);
    return {found == account.end() ? 0 : found->second};
}

bool node_budget::fits_anywhere(std::size_t size, std::size_t own) {
    const std::lock_guard lock(account_mutex);
    const auto nodes = platform::allowed_memory_nodes();
    if (!nodes) { return true; }
    std::uint64_t room_left = 0;
    std::uint64_t others = 0;
    bool known = false;
    for (const node_id node : *nodes) {
        const auto room = platform::room_on(node);
        if (!room) { continue; }
        known = true;
        room_left += usable(*room);
    }
    for (const auto& [node, amount] : account) { others += amount; }
    others -= std::min<std::uint64_t>(others, own);
    return !known || size + others <= room_left;
}

}  // namespace numasio
