// How a port treats the requests that go through it.
#pragma once

#include <chrono>
#include <cstdint>

namespace numasio {

/// Each class has lanes of its own; a worker looks at those of class `latency` first, and takes fewer requests at a time of the others.
enum class request_class : std::uint8_t {
    latency,
    bulk  ///< needs `lane.bulk` in the plan
};

struct call_options {
    request_class kind = request_class::latency;
    /// A request that the service has not been called for so long after its submission never runs and ends with
    /// boost::asio::error::timed_out; no timer: it ends when the worker comes to it. Whole microseconds, rounded down; less than one has passed already, more than 71 minutes count as no limit.
    std::chrono::nanoseconds start_within = std::chrono::nanoseconds::max();
};

}  // namespace numasio
