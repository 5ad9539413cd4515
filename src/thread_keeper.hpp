// Keeps a thread on its CPUs: finds out when the kernel took them away, finds the best place meanwhile, brings it back.
// Private to the library.
#pragma once

#include "src/platform/linux_sched.hpp"

#include <numasio/placement.hpp>
#include <numasio/topology.hpp>

#include <optional>
#include <vector>

namespace numasio {

/// Where a thread of node `home` is to go while its CPUs are away: the CPUs of each node, the nearest node's first.
std::vector<std::vector<cpu_id>> refuges_from(const topology& machine, node_id home);

/// The kernel widens a pinned thread's mask without a word where its CPU goes offline or leaves the cpuset, and never
/// narrows it again. Threads: one at a time, any. Lifetime: look() only while the thread exists, whose number may be reused.
class thread_keeper {
public:
    /// `settled` is the placement as it is while all is well, `now` as it was found at the start; `refuges` are sets of CPUs to fall back to, the best first,
    /// the first of them those of the thread's node.
    thread_keeper(platform::kernel_thread thread, std::vector<cpu_id> home, std::vector<std::vector<cpu_id>> refuges,
                  placement settled, const placement& now);

    struct finding {
        bool displaced = false;            ///< it was at home before this look and had been taken away
        std::optional<placement> changed;  ///< the placement, where it is another one since
    };
    /// Looks once; re-places the thread where it is not on its CPUs.
    /// Blocks: one system call where all is well. Cost: about a microsecond; allocates only where all is not well.
    finding look();

private:
    platform::kernel_thread thread_;
    std::vector<cpu_id> home_;
    std::vector<std::vector<cpu_id>> refuges_;
    placement settled_;
    std::optional<placement> told_;  // the last one that said "elsewhere"; absent while the thread is at home
};

}  // namespace numasio
