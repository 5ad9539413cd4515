// Start-up on the worker's own thread: pin, memory policy, lanes, service memory, each read back.
#pragma once

#include "hot_path/worker.hpp"

namespace numasio::hot_path {

/// Pins the calling thread, binds, prefaults and audits; fills the core's placements, lanes and memory.
/// Fails: under strict enforcement throws boost::system::system_error naming worker, step and errno at the
/// first shortfall; otherwise only where there is no memory at all.
void settle(const worker_orders& orders);

}  // namespace numasio::hot_path
