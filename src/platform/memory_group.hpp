// How much memory the container (control group) that this process is in still grants it.
#pragma once

#include <numasio/ids.hpp>

#include <optional>
#include <string>

namespace numasio::platform {

struct group_room {
    bytes limit;
    bytes used;
    bytes reclaimable;  // of what is used: half of the file cache
};

/// The tightest of the groups from this process's up to the root; absent where none has a limit. Reads version 2 and
/// version 1 groups. Threads: any. Blocks: reads a few small files. Fails: what cannot be read has no limit.
std::optional<group_room> room_in_group(const std::string& membership = "/proc/self/cgroup",
                                        const std::string& mount = "/sys/fs/cgroup");

}  // namespace numasio::platform
