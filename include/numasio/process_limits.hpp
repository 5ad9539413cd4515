// What the kernel lets this process use at one moment: CPUs that are online, its cpuset, its affinity, its memory nodes.
#pragma once

#include <numasio/ids.hpp>

#include <optional>
#include <string>
#include <vector>

namespace numasio {

/// Each limit by itself, so that it can be told which one keeps a CPU away. Ids ascend.
struct process_limits {
    std::vector<cpu_id> online_cpus;                 ///< the machine's CPUs that are running
    std::optional<std::vector<cpu_id>> cpuset_cpus;  ///< of the control group (v1 or v2); absent where none can be seen
    std::string cpuset;                              ///< that group's folder; empty where none can be seen
    /// The affinity mask that the process was started with (taskset, a service manager), where that is narrower than the
    /// cpuset; absent where it is not.
    std::optional<std::vector<cpu_id>> affinity;
    std::vector<node_id> memory_nodes;  ///< nodes with memory that the cpuset (mems) allows; empty where that cannot be read

    /// What is left: online, in the cpuset, in the affinity mask. Where the mask and the cpuset have no CPU in common the
    /// cpuset counts, as it does for the kernel.
    /// Threads: distinct objects safe, shared objects safe while nobody writes. Blocks: never. Cost: linear in the CPUs.
    std::vector<cpu_id> usable_cpus() const;

    friend bool operator==(const process_limits&, const process_limits&) = default;
};

/// The limits as they are now. The calling thread's mask stands for the process's: ask before that thread is pinned.
/// Threads: any. Blocks: reads five small files, three system calls. Cost: tens of microseconds. Lifetime: a value.
/// Fails: throws std::bad_alloc only. What cannot be read sets no limit; without sysfs the thread's mask is all there is.
process_limits limits_now();

/// The same from any thread, pinned or not: the process's affinity is taken from `before`, and what cannot be read now
/// (no descriptor left) is as it was. A process whose control group cannot be seen does not learn here that its cpuset
/// changed. Differs from `before` exactly where something changed.
process_limits limits_now(const process_limits& before);

}  // namespace numasio
