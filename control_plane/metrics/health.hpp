// Is the process well, and does it take requests? Each with the reason where not.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace numasio::detail {

struct verdict {
    bool ok = false;
    std::string reason;  ///< empty where ok
};

/// What workers of every kind of pool have in common.
struct any_worker {
    const worker_site* site = nullptr;
    worker_state state = worker_state::starting;
    bool parked = false;
    std::uint64_t parks = 0;
    std::uint64_t displacements = 0;
};
/// Those that serve, then those of task pools, then reactors. Lifetime: they refer to `now`.
std::vector<any_worker> every_worker(const bridge_status& now);

/// Not well: a worker is stuck in a service call or dead. The reason names each such worker.
verdict healthy(const bridge_status& now);

/// Ready between start() and stop().
verdict ready(const bridge_status& now);

/// "kv/0"
std::string worker_name(const worker_site& site);

}  // namespace numasio::detail
