// Keeps memory on its nodes: finds out when its pages were moved away, says so, and moves them back. Private to the library.
#pragma once

#include <numasio/node_region.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace numasio {

/// A cpuset that loses a node has the kernel move bound pages elsewhere and rewrite their policy; neither comes back by itself.
/// Threads: one at a time, any; the bytes may be in use. Lifetime: the region outlives it and stays where it is.
class region_keeper {
public:
    /// `settled` is the placement as it is while all is well; `policy` (any but local) over `nodes` is what the region has.
    region_keeper(const node_region& region, memory_policy policy, std::vector<node_id> nodes, placement settled);

    /// Looks at some pages, others each time; where one is elsewhere, at all, and moves them back where the kernel lets it.
    /// The placement, where it is another one since.
    /// Blocks: two system calls where all is well, while pages are moved where not, until soon after `ends` is no longer 0. Cost: about 61 ns a page; allocates a little.
    std::optional<placement> look(const std::atomic<std::uint32_t>& ends);
    /// Memory was found elsewhere, and is not back yet.
    bool is_away() const noexcept { return told_.has_value(); }

private:
    bool policy_is_as_it_was() const;
    bool nodes_are_allowed() const;
    bool sample_is_at_home() noexcept;
    error_code bind_again(const std::atomic<std::uint32_t>& ends) const;
    page_audit whole_audit(const std::atomic<std::uint32_t>& ends) const;
    error_code judged(const page_audit& audit) const;
    placement elsewhere(const page_audit& audit, error_code why, bool allowed) const;

    const node_region& region_;
    memory_policy policy_;
    std::vector<node_id> nodes_;
    placement settled_;
    std::optional<std::vector<node_id>> policy_read_;  // as the kernel gave it back at the start; absent where it does not say
    std::optional<placement> told_;  // the last one that said "elsewhere"; absent while all is at home
    std::size_t next_ = 0;           // where the next sample starts
    bool was_allowed_ = true;
    std::uint32_t patience_ = 0;     // looks to wait after the next failure to move memory back, twice as many each time
    std::uint32_t to_wait_ = 0;      // looks before it is tried again
};

}  // namespace numasio
