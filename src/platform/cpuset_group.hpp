// The control group whose cpuset this process is in, version 1 or 2. Private to src/.
#pragma once

#include <numasio/ids.hpp>

#include <optional>
#include <string>
#include <vector>

namespace numasio::platform {

struct cpuset_group {
    std::string folder;
    std::vector<cpu_id> cpus;  ///< the effective ones: what groups above leave, without those that are offline
};

/// The group of the process (of its first thread), or, where that has no cpuset of its own, the nearest above that has one;
/// absent where none can be seen. Threads: any. Blocks: reads two small files. Fails: throws std::bad_alloc only.
std::optional<cpuset_group> cpuset_of_process(const std::string& membership = "/proc/self/cgroup",
                                              const std::string& mount = "/sys/fs/cgroup");

}  // namespace numasio::platform
