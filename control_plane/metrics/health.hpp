// Is the process well, and does it take requests? Each with the reason where not.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <string>

namespace numasio::detail {

struct verdict {
    bool ok = false;
    std::string reason;  ///< empty where ok
};

/// Not well: a worker is stuck in a service call or dead. The reason names each such worker.
verdict healthy(const bridge_status& now);

/// Ready between start() and stop().
verdict ready(const bridge_status& now);

/// "kv/0"
std::string worker_name(const worker_site& site);

}  // namespace numasio::detail
