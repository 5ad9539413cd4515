// A mapping that is bound to a node, prefaulted, and asked about page by page.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>

#include <cstddef>
#include <limits>
#include <span>

namespace numasio {

/// Anonymous private memory of whole pages. Movable, not copyable; unmapped on destruction.
/// Thread safety: distinct objects safe, shared objects unsafe (audit() may run beside users of the bytes).
class node_region {
public:
    node_region() noexcept = default;
    /// Maps `size` rounded up to whole pages; nothing is touched yet.
    /// Fails: throws boost::system::system_error with the kernel's errno (EINVAL for 0, ENOMEM).
    explicit node_region(bytes size);
    node_region(node_region&& other) noexcept;
    node_region& operator=(node_region&& other) noexcept;
    ~node_region();

    /// Asks the kernel to place pages that are touched from now on. Call before prefault().
    /// Fails: the kernel's errno (EINVAL for a node without memory or outside the cpuset, EPERM under
    /// seccomp); errc::out_of_node_memory, before anything is touched, where a `bind` region is larger
    /// than the node's free memory and half of its file cache, less a reserve of 1/64 of the node and at least
    /// 32 MiB, and less what other regions of this process are bound to and have not prefaulted yet (the kernel
    /// would kill the process instead).
    /// Threads: one at a time. Blocks: reads one file of sysfs. Cost: tens of microseconds.
    error_code bind(node_id home, memory_policy policy) noexcept;

    /// Touches every page from the calling thread; what was written before is kept.
    /// Threads: one at a time. Blocks: until all pages are there. Cost: one fault a page.
    /// Fails: the kernel's errno (ENOMEM, EFAULT); errc::out_of_node_memory, before anything is touched, where
    /// the region is larger than what all allowed nodes have free, or than what the container (control group) that
    /// this process is in still grants, by the same rule; whatever its policy.
    error_code prefault() noexcept;

    /// Asks the kernel where up to `max_pages` pages are, from page `first` on.
    /// Threads: any, also while the memory is in use. Blocks: one system call for each 1024 pages.
    /// Fails: pages that the kernel gives no answer for are `unknown`; throws std::bad_alloc only.
    page_audit audit(std::size_t max_pages = std::numeric_limits<std::size_t>::max(),
                     std::size_t first = 0) const;

    std::span<std::byte> data() const noexcept { return data_; }
    std::size_t pages() const noexcept;

private:
    void release() noexcept;
    void settle(std::size_t size) noexcept;

    std::span<std::byte> data_;
    node_id home_;
    std::size_t promised_ = 0;  // bytes bound to home_ and not prefaulted yet
};

}  // namespace numasio
