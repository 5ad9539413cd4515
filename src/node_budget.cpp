// The account of promised and untouched memory, by node.
#include "src/node_budget.hpp"

#include "src/platform/memory_nodes.hpp"
#include "src/platform/memory_group.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

namespace numasio {
namespace {

std::mutex account_mutex;

/// Guarded by account_mutex. Made when it is first asked for: regions may be statics of the application, made before ours.
std::map<node_id, std::uint64_t>& the_account() {
    static std::map<node_id, std::uint64_t> account;
    return account;
}

// What stays free on a node for the kernel and for everybody else: below its watermarks the kernel first
// stalls and then kills.
bytes reserve_of(bytes total) noexcept {
    using namespace literals;
    return std::max(32_MiB, bytes{total.value / 64});
}

std::uint64_t less(std::uint64_t from, std::uint64_t what) noexcept { return from - std::min(from, what); }

std::uint64_t usable(const platform::node_room& room) noexcept {
    return less(room.free.value + room.reclaimable.value, reserve_of(room.total).value);
}

/// What all allowed nodes together have free, or the container grants, whichever is less; no limit where neither is known.
std::uint64_t free_in_all() {
    std::uint64_t on_nodes = 0;
    bool known = false;
    if (const auto nodes = platform::allowed_memory_nodes()) {
        for (const node_id node : *nodes) {
            const auto room = platform::room_on(node);
            if (!room) { continue; }
            known = true;
            on_nodes += usable(*room);
        }
    }
    const auto unlimited = std::numeric_limits<std::uint64_t>::max();
    const auto group = platform::room_in_group();
    const auto granted = !group ? unlimited
                                : less(group->limit.value + group->reclaimable.value,
                                       group->used.value + reserve_of(group->limit).value);
    return std::min(known ? on_nodes : unlimited, granted);
}

/// Guarded by account_mutex.
std::uint64_t promised_in_all() noexcept {
    std::uint64_t sum = 0;
    for (const auto& [node, amount] : the_account()) { sum += amount; }
    return sum;
}

/// What is left of `node`, where the kernel shows one with memory. Guarded by account_mutex.
std::optional<std::uint64_t> left_on(node_id node) {
    const auto found = platform::room_on(node);
    if (!found || found->total.value == 0) { return std::nullopt; }
    const auto mine = the_account().find(node);
    return less(usable(*found), mine == the_account().end() ? 0 : mine->second);
}

}  // namespace

bool node_budget::promise(node_id node, std::size_t size) {
    const std::lock_guard lock(account_mutex);
    const auto left = left_on(node);
    if (left && size > *left) { return false; }
    the_account()[node] += size;
    return true;
}

std::optional<std::map<node_id, std::uint64_t>> node_budget::promise_among(std::span<const node_id> nodes, std::size_t size) {
    const std::lock_guard lock(account_mutex);
    std::map<node_id, std::uint64_t> shares;
    std::uint64_t missing = size;
    for (const node_id node : nodes) {
        const std::uint64_t share = std::min(missing, left_on(node).value_or(missing));
        shares[node] += share;
        missing -= share;
    }
    if (missing != 0) { return std::nullopt; }
    for (const auto& [node, share] : shares) { the_account()[node] += share; }
    return shares;
}

std::optional<bytes> node_budget::room(node_id node) {
    const std::lock_guard lock(account_mutex);
    const auto left = left_on(node);
    return left ? std::optional(bytes{*left}) : std::nullopt;
}

bytes node_budget::room_in_all() {
    const std::lock_guard lock(account_mutex);
    return {less(free_in_all(), promised_in_all())};
}

void node_budget::settle(node_id node, std::size_t size) noexcept {
    const std::lock_guard lock(account_mutex);
    const auto found = the_account().find(node);
    if (found != the_account().end()) { found->second -= std::min<std::uint64_t>(found->second, size); }
}

bytes node_budget::promised(node_id node) {
    const std::lock_guard lock(account_mutex);
    const auto found = the_account().find(node);
    return {found == the_account().end() ? 0 : found->second};
}

bool node_budget::promise_anywhere(std::size_t size) {
    const std::lock_guard lock(account_mutex);
    if (promised_in_all() + size > free_in_all()) { return false; }
    the_account()[anywhere] += size;
    return true;
}

bool node_budget::promises_fit() {
    const std::lock_guard lock(account_mutex);
    return promised_in_all() <= free_in_all();
}

}  // namespace numasio
