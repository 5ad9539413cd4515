// How a bridge's stop went.
#pragma once

#include <cstdint>

namespace numasio {

struct stop_report {
    std::uint64_t stopped = 0;  ///< requests that ended with errc::stopped
    std::uint32_t stuck = 0;    ///< workers still inside a service call at the deadline; left to themselves
    std::uint64_t left = 0;     ///< tasks, and what reactors and their executors had pending, that were destroyed uninvoked
    bool drained() const noexcept { return stopped == 0 && stuck == 0 && left == 0; }
};

}  // namespace numasio
