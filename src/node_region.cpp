// Maps, binds, prefaults and audits the memory of a node.
#include <numasio/node_region.hpp>

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

// What stays free on a node for the kernel and for everybody else: below its watermarks the kernel first
// stalls and then kills.
bytes reserve_of(bytes total) noexcept {
    using namespace literals;
    return std::max(32_MiB, bytes{total.value / 64});
}

// A strict binding beyond the node's memory is not refused by the kernel: it kills the process at the fault.
bool fits(std::size_t size, node_id home) {
    const auto room = platform::room_on(home);
    if (!room || room->total.value == 0) { return true; }  // mbind itself refuses such a node
    return bytes{size} + reserve_of(room->total) <= room->free + room->reclaimable;
}

}  // namespace

node_region::node_region(bytes size) : data_(platform::map_pages(whole_pages(size))) {}

node_region::node_region(node_region&& other) noexcept : data_(std::exchange(other.data_, {})) {}

node_region& node_region::operator=(node_region&& other) noexcept {
    if (this != &other) {
        platform::unmap_pages(data_);
        data_ = std::exchange(other.data_, {});
    }
    return *this;
}

node_region::~node_region() { platform::unmap_pages(data_); }

error_code node_region::bind(node_id home, memory_policy policy) noexcept try {
    if (data_.empty()) { return platform::errno_code(EINVAL); }
    if (policy == memory_policy::bind && !fits(data_.size(), home)) { return errc::out_of_node_memory; }
    return platform::bind_pages(data_, home, policy);
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

error_code node_region::prefault() noexcept {
    if (data_.empty()) { return {}; }
    const error_code refused = platform::populate(data_);
    // An older kernel (EINVAL) or a container's filter (EPERM, ENOSYS) does not know the call: touch by hand.
    if (refused.value() != EINVAL && refused.value() != EPERM && refused.value() != ENOSYS) { return refused; }
    for (std::size_t at = 0; at < data_.size(); at += platform::page_size()) {
        volatile std::byte& first = data_[at];
        first = first;  // a write, so that it is not the shared zero page
    }
    return {};
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
