// Start-up of a worker, on its own thread where it has one: pin, memory policy, lanes, service memory, each read back.
#pragma once

#include "hot_path/worker.hpp"

namespace numasio::hot_path {

/// Pins the calling thread to the worker's CPU and has its own allocations prefer the worker's node; adds the placements, or puts them
/// in the place of earlier ones. Then the thread gets the memory that it counts in (numasio/sharded_counter.hpp).
/// Fails: under strict enforcement throws boost::system::system_error naming worker, step and errno at the first shortfall.
void settle_thread(const worker_orders& orders);

/// Binds, prefaults and audits; fills the core's placements, lanes and memory.
/// Fails: as settle_thread(); otherwise only where there is no memory at all.
void settle_memory(const worker_orders& orders);

/// The last step, once its memory is touched and its service is built: what takes long must not keep others from the CPU.
/// Fails: as settle_thread().
void settle_priority(const worker_orders& orders);

/// In place of settle_thread() where the thread is the caller's: placements that say so.
void settle_no_thread(const worker_orders& orders);

}  // namespace numasio::hot_path
