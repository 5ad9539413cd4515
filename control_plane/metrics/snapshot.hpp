// What metrics, status, banner and health are made from: one bridge's values at one moment.
#pragma once

#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/status.hpp>
#include <numasio/topology.hpp>

#include <functional>

namespace numasio {

class bridge;

namespace detail {

/// Lifetime: the references are to values that do not change while the bridge lives; `now` is its own.
struct snapshot {
    const topology& machine;
    const plan& asked;
    const layout& sites;
    bridge_status now;
};

/// Gives a snapshot when asked; a server asks at most once for each request.
using snapshot_source = std::function<snapshot()>;

/// Threads: any. Blocks: once a second, to sample pages of each worker's memory. Lifetime: `served` outlives the result.
snapshot take_snapshot(const bridge& served);

}  // namespace detail
}  // namespace numasio
