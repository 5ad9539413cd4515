// Maps, binds, prefaults and audits the memory of a node.
#include <numasio/node_region.hpp>

#include "src/node_budget.hpp"
#include "src/platform/errno_code.hpp"
#include "src/platform/linux_memory.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace numasio {
namespace {

std::size_t whole_pages(bytes size) {
    const std::uint64_t page = platform::page_size();
    if (size.value > std::numeric_limits<std::size_t>::max() - page) {
        throw boost::system::system_error(platform::errno_code(ENOMEM), "node_region: more than an address space");
    }
    return static_cast<std::size_t>((size.value + page - 1) / page * page);
}

// Prefaulted at a time: as much may be counted twice, as promised and as no longer free.
constexpr std::size_t step = 4 << 20;

error_code touch(std::span<std::byte> part) noexcept {
    const error_code refused = platform::populate(part);
    // An older kernel (EINVAL) or a container's filter (EPERM, ENOSYS) does not know the call: touch by hand.
    if (refused.value() != EINVAL && refused.value() != EPERM && refused.value() != ENOSYS) { return refused; }
    for (std::size_t at = 0; at < part.size(); at += platform::page_size()) {
        volatile std::byte& first = part[at];
        first = first;  // a write, so that it is not the shared zero page
    }
    return {};
}

}  // namespace

node_region::node_region(bytes size) : data_(platform::map_pages(whole_pages(size))) {}

node_region::node_region(node_region&& other) noexcept
    : data_(std::exchange(other.data_, {})), home_(other.home_), promised_(std::exchange(other.promised_, 0)) {}

node_region& node_region::operator=(node_region&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, {});
        home_ = other.home_;
        promised_ = std::exchange(other.promised_, 0);
    }
    return *this;
}

node_region::~node_region() { release(); }

void node_region::release() noexcept {
    settle(promised_);
    platform::unmap_pages(data_);
}

void node_region::settle(std::size_t size) noexcept {
    if (size == 0) { return; }
    node_budget::settle(home_, size);
    promised_ -= size;
}

error_code node_region::bind(node_id home, memory_policy policy) noexcept try {
    if (data_.empty()) { return platform::errno_code(EINVAL); }
    settle(promised_);
    if (policy == memory_policy::bind) {
        // A strict binding beyond the node's memory is not refused by the kernel: it kills the process at the fault.
        if (!node_budget::promise(home, data_.size())) { return errc::out_of_node_memory; }
        home_ = home;
        promised_ = data_.size();
    }
    const error_code refused = platform::bind_pages(data_, home, policy);
    if (refused) { settle(promised_); }
    return refused;
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

error_code node_region::prefault() noexcept try {
    // Several workers prefault at once: what is not promised on one node is promised as a whole before it is touched.
    if (promised_ == 0) {
        if (!node_budget::promise_anywhere(data_.size())) { return errc::out_of_node_memory; }
        home_ = node_budget::anywhere;
        promised_ = data_.size();
    } else if (!node_budget::promises_fit()) {
        return errc::out_of_node_memory;
    }
    for (std::size_t at = 0; at < data_.size(); at += step) {
        const std::span<std::byte> part = data_.subspan(at, std::min(step, data_.size() - at));
        if (const error_code refused = touch(part)) { return refused; }
        settle(std::min(part.size(), promised_));
    }
    return {};
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
        for (std::size_t i = 0; i < count; ++i) { page[i] = data_.data() + (at + i) * platform::page_size(); }
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

std::size_t node_region::pages() const noexcept { return data_.size() / platform::page_size(); }

}  // namespace numasio
