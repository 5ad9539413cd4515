// A mapping that is bound to nodes, prefaulted, and asked about page by page.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>
#include <numasio/region_options.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace numasio {

/// Anonymous private memory of whole pages. Movable, not copyable; unmapped on destruction.
/// Thread safety: distinct objects safe, shared objects unsafe (audit() may run beside users of the bytes).
class node_region {
public:
    node_region() noexcept = default;
    /// Maps `size` rounded up to whole pages; nothing is touched yet.
    /// Fails: throws boost::system::system_error with the kernel's errno (EINVAL for 0, ENOMEM).
    explicit node_region(bytes size);
    /// Maps, binds, locks and touches `size` bytes as asked, asks the kernel where every page is, and holds the answer
    /// against what was asked: placed(). Huge pages are looked for in the nodes' pools before anything is mapped, and
    /// what a pool lacks is never a signal.
    /// Under best effort what cannot be had is done without and told: 1 GiB or 2 MiB pages become the kernel's usual ones,
    /// weighted_interleave interleave, preferred_many preferred, a refused policy none, a refused lock none.
    /// Threads: any. Blocks: until all pages are there. Cost: a fault and a look for each page.
    /// Fails: throws boost::system::system_error, nothing left mapped. Under strict enforcement for any shortfall: the
    /// kernel's errno (EINVAL also where one of `nodes` has no memory or is outside the cpuset),
    /// errc::policy_unknown, errc::no_huge_pages, errc::pages_elsewhere, errc::pages_unknown. Whatever the enforcement:
    /// EINVAL for a size of 0 or no nodes; ENOMEM; errc::out_of_node_memory as bind() and prefault();
    /// operation_canceled by the watch.
    node_region(bytes size, const region_options& options);
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

    /// Touches every page; what was written before is kept.
    /// Threads: one at a time. Blocks: until all pages are there. Cost: one fault a page.
    /// Fails: the kernel's errno (ENOMEM, EFAULT; that of a refused pin, everything touched all the same);
    /// operation_canceled by the watch; errc::out_of_node_memory, before anything is touched, where
    /// the region is larger than what all allowed nodes have free, or than what the container (control group) that
    /// this process is in still grants, by the same rule; whatever its policy.
    error_code prefault(const prefault_options& how = {}) noexcept;

    /// Moves what is elsewhere to `home`, and binds the region to it (a `preferred` one prefers it from then on).
    /// Threads: any may use the bytes meanwhile; one at a time may migrate. Blocks: while pages are copied.
    /// Fails: as bind(), errc::no_huge_pages where the node's pool has too few, nothing moved; errc::pages_elsewhere or
    /// errc::pages_unknown by the audit that follows, which is in placed().
    error_code migrate(node_id home) noexcept;

    /// Asks the kernel where up to `max_pages` pages are, from page `first` on; pages as large as page_size().
    /// Threads: any, also while the memory is in use. Blocks: one system call for each 1024 pages.
    /// Fails: pages that the kernel gives no answer for are `unknown`; throws std::bad_alloc only.
    page_audit audit(std::size_t max_pages = std::numeric_limits<std::size_t>::max(),
                     std::size_t first = 0) const;

    std::span<std::byte> data() const noexcept { return data_; }
    std::size_t pages() const noexcept { return data_.size() / page_; }
    /// Of the pages that audit() counts: a pool's huge pages, and the kernel's smallest for all others.
    bytes page_size() const noexcept { return {page_}; }
    /// What came of the options, or of the last bind() or migrate(); not_enforced, and without an audit, where it is bind()'s.
    const region_placement& placed() const noexcept { return placed_; }

private:
    friend class region_setup;
    struct promise {
        node_id node;
        std::uint64_t left = 0;  // bytes promised to this region by node_budget and not touched yet
    };

    void release() noexcept;
    void settle(std::uint64_t size) noexcept;
    bool promised() const noexcept;
    error_code touch(const prefault_options& how, error_code& pin);

    std::span<std::byte> data_;
    std::size_t page_ = 4096;  // never 0; the constructors know better
    std::vector<promise> promises_;
    region_placement placed_;
};

}  // namespace numasio
