// Maps, binds, prefaults, moves and audits the memory of a node, step by step.
#include <numasio/node_region.hpp>

#include "src/node_budget.hpp"
#include "src/platform/errno_code.hpp"
#include "src/platform/huge_pages.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/prefault.hpp"
#include "src/region_setup.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace numasio {

node_region::node_region(bytes size)
    : data_(platform::map_pages(whole_pages(size, platform::page_size()))), page_(platform::page_size()) {}

// Delegates, so that an exception from the steps unmaps what is there.
node_region::node_region(bytes size, const region_options& options) : node_region() {
    region_setup(*this, size, options).run();
}

node_region::node_region(node_region&& other) noexcept
    : data_(std::exchange(other.data_, {})), page_(other.page_), promises_(std::exchange(other.promises_, {})),
      placed_(std::exchange(other.placed_, {})) {}

node_region& node_region::operator=(node_region&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, {});
        page_ = other.page_;
        promises_ = std::exchange(other.promises_, {});
        placed_ = std::exchange(other.placed_, {});
    }
    return *this;
}

node_region::~node_region() { release(); }

void node_region::release() noexcept {
    settle(std::numeric_limits<std::uint64_t>::max());
    platform::unmap_pages(std::exchange(data_, {}), page_ == platform::page_size() ? 0 : page_);
}

void node_region::settle(std::uint64_t size) noexcept {
    for (promise& p : promises_) {
        const std::uint64_t share = std::min(size, p.left);
        if (share != 0) { node_budget::settle(p.node, share); }
        p.left -= share;
        size -= share;
    }
}

bool node_region::promised() const noexcept {
    return std::any_of(promises_.begin(), promises_.end(), [](const promise& p) { return p.left != 0; });
}

error_code node_region::bind(node_id home, memory_policy policy) noexcept try {
    if (data_.empty()) { return platform::errno_code(EINVAL); }
    settle(std::numeric_limits<std::uint64_t>::max());
    if (policy == memory_policy::bind && page_ == platform::page_size()) {
        promises_.assign(1, {home, 0});
        // A strict binding beyond the node's memory is not refused by the kernel: it kills the process at the fault.
        if (!node_budget::promise(home, data_.size())) { return errc::out_of_node_memory; }
        promises_.front().left = data_.size();
    }
    std::vector<node_id> nodes(1, home);
    const error_code refused = platform::bind_pages(data_, nodes, policy);
    if (refused) {
        settle(std::numeric_limits<std::uint64_t>::max());
        return refused;
    }
    placed_.bound = true;
    placed_.policy = policy;
    placed_.nodes = policy == memory_policy::local ? std::vector<node_id>() : std::move(nodes);
    placed_.lost.clear();
    placed_.huge_share.reset();
    placed_.outcome = placement_outcome::not_enforced;  // nothing was looked at since
    placed_.audit = {};
    return {};
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

error_code node_region::prefault(const prefault_options& how) noexcept try {
    error_code pin;
    const error_code failed = touch(how, pin);
    return failed ? failed : pin;
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

error_code node_region::touch(const prefault_options& how, error_code& pin) {
    const bool huge = page_ != platform::page_size();
    // Several workers prefault at once: what is not promised on one node is promised as a whole before it is touched.
    // A pool's pages were taken from what is free long ago.
    if (!promised() && !huge) {
        promises_.assign(1, {node_budget::anywhere, 0});
        if (!node_budget::promise_anywhere(data_.size())) { return errc::out_of_node_memory; }
        promises_.front().left = data_.size();
    } else if (!huge && !node_budget::promises_fit()) {
        return errc::out_of_node_memory;
    }
    const auto result = prefault_pages(data_, page_, huge, how, [this](std::size_t part) { settle(part); });
    pin = result.pin;
    return result.error;
}

error_code node_region::migrate(node_id home) noexcept try {
    if (data_.empty()) { return platform::errno_code(EINVAL); }
    const std::uint64_t missing = pages() - audit().on(home);
    settle(std::numeric_limits<std::uint64_t>::max());
    if (page_ != platform::page_size()) {
        if (free_huge_pages(home, bytes{page_}) < missing) { return errc::no_huge_pages; }
    } else {
        promises_.assign(1, {home, 0});
        if (!node_budget::promise(home, missing * page_)) { return errc::out_of_node_memory; }
        promises_.front().left = missing * page_;
    }
    const auto policy = placed_.policy == memory_policy::preferred && placed_.bound ? memory_policy::preferred : memory_policy::bind;
    const error_code refused = platform::bind_pages(data_, std::span(&home, 1), policy, true);
    if (refused) {
        settle(std::numeric_limits<std::uint64_t>::max());
        return refused;
    }
    placed_.bound = true;
    placed_.policy = policy;
    std::erase_if(placed_.lost, [](const region_loss& l) { return l.step == "page audit" || l.step == "migrate"; });
    placed_.nodes.assign(1, home);
    placed_.audit = audit();
    settle(missing * page_ - std::min(missing, placed_.audit.unknown) * page_);  // what is still to be touched stays promised
    const error_code verdict = judge(placed_, page_);
    placed_.outcome = verdict || !placed_.lost.empty() ? placement_outcome::degraded : placement_outcome::honoured;
    if (verdict) {
        placed_.lost.push_back({"migrate", verdict, verdict == errc::pages_unknown ? "not every page has been touched, or the kernel does not tell; prefault(), then again"
                                                                                  : "pages that are in use by the kernel cannot be moved; try again"});
    }
    return verdict;
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

page_audit node_region::audit(std::size_t max_pages, std::size_t first) const {
    page_audit found;
    const std::size_t start = std::min(first, pages());
    const std::size_t end = start + std::min(max_pages, pages() - start);
    std::array<void*, 1024> page;
    std::array<int, 1024> status;
    for (std::size_t at = start; at < end;) {
        const std::size_t count = std::min(page.size(), end - at);
        for (std::size_t i = 0; i < count; ++i) { page[i] = data_.data() + (at + i) * page_; }
        const bool answered = !platform::locate_pages({page.data(), count}, {status.data(), count});
        for (std::size_t i = 0; i < count; ++i) {
            if (answered && status[i] >= 0) {
                ++found.on_node[node_id{static_cast<std::uint32_t>(status[i])}];
            } else {
                ++found.unknown;
            }
        }
        found.asked += count;
        at += count;
    }
    return found;
}

}  // namespace numasio
