// Start-up of a thread of the hot path, on that thread: pin, memory policy, the row it counts in; each read back.
#pragma once

#include <numasio/detail/placement_book.hpp>
#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <optional>
#include <string>

namespace numasio::hot_path {

/// Every step yields a placement: what was asked, what the kernel says was got, and why. One takes the place of an earlier one of the same subject.
/// Threads: the one that is settled. Blocks: some system calls; a page fault for each page of the row.
/// Fails: under strict enforcement throws boost::system::system_error naming worker, step and errno at the first shortfall.
/// Lifetime: its arguments outlive it.
class thread_settler {
public:
    thread_settler(const worker_site& site, detail::placement_book& placements, enforcement enforce, topology_origin origin)
        : site_(site), placements_(placements), enforce_(enforce), origin_(origin) {}

    /// To the site's CPU.
    void pin();
    /// The thread's own allocations prefer the site's node, so that a plain malloc follows.
    void set_memory_policy();
    /// SCHED_FIFO; 0: it stays an ordinary thread, and nothing was asked.
    void set_priority(std::uint32_t realtime);
    /// Memory for what the thread counts (numasio/sharded_counter.hpp). After the policy: it comes on the worker's node, and not with the first event.
    void give_row();
    /// In place of these where the thread is the caller's: placements that say so.
    void leave_thread_to_the_caller();

protected:
    placement begin(placement_subject subject, std::string asked) const;
    /// Honoured, or degraded with the reason; under strict enforcement the start ends here.
    void finish(placement p, error_code ec, const std::string& step);
    bool nodes_are_real() const noexcept { return origin_ == topology_origin::live; }
    /// There is no real node to bind to: pretend nodes, or a machine whose nodes could not be discovered.
    void unbound(placement p);
    [[noreturn]] void fail(const std::string& step, error_code ec, const placement& p) const;

    const worker_site& site_;
    detail::placement_book& placements_;
    const enforcement enforce_;
    const topology_origin origin_;
};

std::string node_text(node_id node);
/// Where the site's memory is; none where the machine's nodes are not real.
std::optional<node_id> memory_node_of(const worker_site& site, const topology& machine) noexcept;
/// "kv/0"
std::string name_of(const worker_site& site);

}  // namespace numasio::hot_path
