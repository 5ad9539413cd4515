// The steps of a region with options, in the order that never changes: look, map, bind, lock, touch, verify.
#include "src/region_setup.hpp"

#include "src/node_budget.hpp"
#include "src/place_text.hpp"
#include "src/platform/errno_code.hpp"
#include "src/platform/huge_pages.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/platform/page_tables.hpp"

#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace numasio {
namespace {

bool contains(const std::vector<node_id>& nodes, node_id node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

/// What an older kernel has in the policy's stead.
std::optional<memory_policy> older(memory_policy policy) {
    if (policy == memory_policy::weighted_interleave) { return memory_policy::interleave; }
    if (policy == memory_policy::preferred_many) { return memory_policy::preferred; }
    return std::nullopt;
}

}  // namespace

std::size_t whole_pages(bytes size, std::size_t page) {
    if (size.value > std::numeric_limits<std::size_t>::max() - page) {
        throw boost::system::system_error(platform::errno_code(ENOMEM), "node_region: more than an address space");
    }
    return static_cast<std::size_t>((size.value + page - 1) / page * page);
}

std::uint64_t free_huge_pages(node_id node, bytes page) {
    for (const auto& pool : platform::huge_page_pools(node)) {
        if (pool.page == page) { return pool.free; }
    }
    return 0;
}

void region_setup::run() {
    if (on_nodes() && asked_.nodes.empty()) { fail("options", platform::errno_code(EINVAL), "no node is named"); }
    placed_.policy = asked_.policy;
    for (const node_id node : asked_.nodes) {
        if (!contains(placed_.nodes, node)) { placed_.nodes.push_back(node); }
    }
    if (asked_.policy == memory_policy::preferred) { placed_.nodes.resize(1); }
    placed_.pages = asked_.pages;
    check_nodes();
    choose_pages();
    // A pool's pages may be taken by others after they were counted: then again, with the usual ones.
    while (!map_bind_and_touch()) {
        region_.release();
        placed_.pages = std::nullopt;
    }
    verify();
}

// A set that names one good node is taken by the kernel, without a word on the others.
void region_setup::check_nodes() {
    const auto allowed = platform::allowed_memory_nodes();
    if (!allowed) { return; }
    std::vector<node_id> refused;
    for (const node_id node : placed_.nodes) {
        if (!contains(*allowed, node)) { refused.push_back(node); }
    }
    if (refused.empty()) { return; }
    lose("mbind", platform::errno_code(EINVAL),
         nodes_text(refused) + ": not there, without memory, or outside of this process's cpuset.mems");
    std::erase_if(placed_.nodes, [&](node_id n) { return contains(refused, n); });
}

bool region_setup::pool_has_enough(std::size_t page) const {
    const std::uint64_t needed = (size_.value + page - 1) / page;
    const bool anywhere = placed_.nodes.empty() ||
                          (asked_.enforce == enforcement::best_effort && placed_.policy != memory_policy::bind);
    std::vector<node_id> nodes = placed_.nodes;
    if (anywhere) {
        if (const auto allowed = platform::allowed_memory_nodes()) { nodes = *allowed; }
    }
    const std::uint64_t share = !anywhere && placed_.policy == memory_policy::interleave
                                    ? (needed + nodes.size() - 1) / nodes.size() : 0;
    std::uint64_t free = 0;
    for (const node_id node : nodes) {
        const std::uint64_t here = free_huge_pages(node, bytes{page});
        if (here < share) { return false; }
        free += here;
    }
    return free >= needed;
}

void region_setup::choose_pages() {
    if (!takes_from_pools() || pool_has_enough(page_bytes())) { return; }
    lose("huge pages", errc::no_huge_pages,
         "the kernel's usual pages instead of " + std::string(to_string(*placed_.pages)) +
             " ones; fill the nodes' pools (/sys/devices/system/node/node*/hugepages/*/nr_hugepages)");
    placed_.pages = std::nullopt;
}

std::size_t region_setup::page_bytes() const {
    const bytes of_pool = pool_page_size(placed_.pages);
    return of_pool.value != 0 ? static_cast<std::size_t>(of_pool.value) : platform::page_size();
}

/// False where the pool failed us, and best effort goes on without it.
bool region_setup::map_bind_and_touch() {
    const bool huge = takes_from_pools();
    const std::string missing = "the kernel's usual pages instead: the pool's were taken in between";
    try {
        map();
    } catch (const boost::system::system_error& e) {
        if (!huge || e.code().value() != ENOMEM) { throw; }
        lose("mmap", errc::no_huge_pages, missing);
        return false;
    }
    advise();
    if (!huge) { reserve(); }
    bind();
    lock();
    error_code pin;
    const error_code failed = region_.touch(asked_.touch, pin);
    if (huge && (failed.value() == EFAULT || failed.value() == ENOMEM) && failed.category() == boost::system::system_category()) {
        lose("prefault", errc::no_huge_pages, missing);
        return false;
    }
    if (failed) { fail("prefault", failed, failed == boost::system::errc::operation_canceled ? "by its watch" : room_text() + "; lower the size"); }
    if (pin) {
        lose("prefault", pin, pin == boost::system::errc::resource_unavailable_try_again
                                  ? "a thread was refused (ulimit -u, pids.max); others touched its pages"
                                  : "not every thread could be pinned to " + cpus_text(asked_.touch.cpus) +
                                        ", which this machine may not have or this process not use; pages were touched from elsewhere");
    }
    return true;
}

void region_setup::map() {
    const std::size_t page = page_bytes();
    region_.page_ = page;
    region_.data_ = platform::map_pages(whole_pages(size_, page), takes_from_pools() ? page : 0);
}

void region_setup::advise() {
    if (placed_.pages != page_kind::base && placed_.pages != page_kind::transparent) { return; }
    const bool wanted = placed_.pages == page_kind::transparent;
    const error_code refused = platform::advise_transparent(region_.data_, wanted);
    if (!wanted && refused.value() == EINVAL) { return; }  // a kernel without transparent huge pages has no others
    if (!refused && !(wanted && platform::transparent_pages_are_off())) { return; }
    lose("madvise", refused ? refused : make_error_code(errc::no_huge_pages),
         "the kernel's usual pages; see /sys/kernel/mm/transparent_hugepage/enabled");
    placed_.pages = std::nullopt;
}

std::string region_setup::room_text() const {
    std::string text;
    for (const node_id node : placed_.nodes) {
        if (const auto room = node_budget::room(node)) {
            text += "node " + std::to_string(node.value) + " has " + std::to_string(room->value >> 20) + " MiB to give, ";
        }
    }
    return text + "this process " + std::to_string(node_budget::room_in_all().value >> 20) + " MiB in all";
}

bool region_setup::nodes_with_memory_are_left() const {
    const auto allowed = platform::allowed_memory_nodes();
    return allowed && allowed->size() > placed_.nodes.size();
}

// The kernel kills the process where bound memory runs out, and lets interleaved memory go elsewhere without a word.
void region_setup::reserve() {
    const bool strict_interleave = interleaves(placed_.policy) && asked_.enforce == enforcement::strict;
    if (placed_.nodes.empty() || (placed_.policy != memory_policy::bind && !strict_interleave)) { return; }
    const auto shares = node_budget::promise_among(placed_.nodes, region_.data_.size());
    if (!shares) { fail("memory check", errc::out_of_node_memory, room_text() + "; lower the size" + (nodes_with_memory_are_left() ? ", or name more nodes" : "")); }
    for (const auto& [node, share] : *shares) { region_.promises_.push_back({node, share}); }
}

void region_setup::bind() {
    if (on_nodes() && placed_.nodes.empty()) { return; }  // told by check_nodes()
    error_code refused = platform::bind_pages(region_.data_, placed_.nodes, placed_.policy);
    if (const auto instead = older(placed_.policy); instead && refused.value() == EINVAL) {
        const auto nodes = *instead == memory_policy::preferred ? std::vector{placed_.nodes.front()} : placed_.nodes;
        if (!platform::bind_pages(region_.data_, nodes, *instead)) {
            lose("mbind", errc::policy_unknown, std::string(to_string(*instead)) + " instead of " +
                 std::string(to_string(placed_.policy)) + ", which this kernel is too old for");
            placed_.policy = *instead;
            placed_.nodes = nodes;
            refused = {};
        }
    }
    placed_.bound = !refused;
    if (refused) {
        region_.settle(std::numeric_limits<std::uint64_t>::max());  // its pages come from anywhere now
        lose("mbind", refused, refused == boost::system::errc::invalid_argument
                                   ? "the process's own policy; the kernel has no such policy for these nodes"
                                   : "the process's own policy; a container needs CAP_SYS_NICE or a filter that lets mbind pass");
    }
}

void region_setup::lock() {
    if (!asked_.lock) { return; }
    // A pool's pages are never written to a swap device.
    const error_code refused = takes_from_pools() ? error_code{} : platform::lock_pages(region_.data_);
    placed_.locked = !refused;
    if (refused) { lose("mlock", refused, "may be swapped out; raise the limit (ulimit -l, LimitMEMLOCK) or grant CAP_IPC_LOCK"); }
}

void region_setup::verify() {
    placed_.audit = region_.audit();
    if (placed_.pages == page_kind::transparent) { look_for_huge_pages(); }
    if (const error_code verdict = judge(placed_, region_.page_)) {
        lose("page audit", verdict, verdict == errc::pages_unknown ? "the kernel does not tell where pages are"
                                                                   : "see the audit; the nodes asked for were full");
    }
    placed_.outcome = placed_.lost.empty() ? placement_outcome::honoured : placement_outcome::degraded;
}

// The advice is taken where there is not one huge page left, too.
void region_setup::look_for_huge_pages() {
    placed_.huge_share = platform::huge_share(region_.data_);
    if (region_.data_.size() < platform::transparent_page_size() || placed_.huge_share != 0.0) { return; }
    lose("madvise", errc::no_huge_pages, "the kernel made none: its free memory is in pieces (echo 1 > /proc/sys/vm/compact_memory)");
    placed_.pages = std::nullopt;
}

void region_setup::lose(std::string step, error_code error, std::string why) {
    if (asked_.enforce == enforcement::strict) { fail(step, error, why); }
    placed_.lost.push_back({std::move(step), error, std::move(why)});
}

void region_setup::fail(const std::string& step, error_code error, const std::string& why) const {
    const auto& nodes = asked_.policy == memory_policy::preferred ? placed_.nodes : asked_.nodes;  // the first alone
    std::string asked = std::string(to_string(asked_.policy)) + (nodes.empty() ? "" : " " + nodes_text(nodes));
    if (asked_.pages) { asked += ", " + std::string(to_string(*asked_.pages)) + " pages"; }
    throw boost::system::system_error(error, "node_region of " + std::to_string(size_.value) + " bytes, " + asked + ": " + step +
                                                 (why.empty() ? "" : " (" + why + ")"));
}

}  // namespace numasio
