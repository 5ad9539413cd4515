// The parts that the status document is put together from.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <optional>
#include <vector>

namespace numasio::detail {

inline double in_seconds(std::chrono::nanoseconds d) { return static_cast<double>(d.count()) / 1e9; }

/// Not measured is null, never a number that looks good.
inline boost::json::value number_or_null(std::optional<double> value) {
    return value ? boost::json::value(*value) : boost::json::value(nullptr);
}

template <class Id>
boost::json::array ids(const std::vector<Id>& of) {
    boost::json::array result;
    for (const auto& id : of) { result.emplace_back(id.value); }
    return result;
}

/// {"count": n, "mean": s, "p50": s, "p90": s, "p99": s, "p99.9": s}; null where nothing was recorded.
boost::json::object latency_part(const latency_histogram& measured);
boost::json::array workers_part(const snapshot& shown);
boost::json::array pools_part(const snapshot& shown);
boost::json::array task_pools_part(const snapshot& shown);
boost::json::array reactor_pools_part(const snapshot& shown);

}  // namespace numasio::detail
