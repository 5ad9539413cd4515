// How a pool that runs tasks is: plain values, safe to keep.
#pragma once

#include <numasio/layout.hpp>
#include <numasio/placement.hpp>
#include <numasio/worker_state.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace numasio {

/// One worker of a task pool.
struct task_worker_status {
    worker_site site;
    worker_state state = worker_state::starting;
    bool asleep = false;
    bool benched = false;              ///< node_pool::resize() left it out: it runs tasks that are for it alone
    std::uint64_t ran = 0;             ///< tasks that it has begun and ended
    std::uint64_t failed = 0;          ///< … of these: threw
    std::uint64_t stolen = 0;          ///< tasks that it took from workers of its node
    std::uint64_t stolen_abroad = 0;   ///< … from other nodes (task_plan::steal)
    std::uint64_t distance_abroad = 0; ///< the sum of these tasks' distances (topology::distance(): 10 is local)
    std::uint64_t taken_in = 0;        ///< tasks that came from other threads
    std::uint64_t queued = 0;          ///< about so many wait for this worker
    std::uint64_t parks = 0;           ///< sleeps announced
    std::uint64_t searches = 0;        ///< looks at what others have
    std::uint64_t empty_searches = 0;  ///< … of these: found nothing
    std::uint64_t polls = 0;           ///< looks at timers and sockets between tasks
    std::uint64_t displacements = 0;   ///< times its CPU was found taken from it: offline, or out of the cpuset
    std::uint64_t stalls = 0;          ///< tasks in which it was found for more than a second; `state` is stuck meanwhile
    std::string running;               ///< the task that it is in: its function's `task_name`, or its type; empty where none
    std::string first_failure;         ///< what the first exception of a task said; empty where none threw
};

/// A task pool as a whole.
struct task_pool_status {
    std::string name;
    bool accepting = false;
    bool paused = false;
    std::uint64_t refused = 0;     ///< new work from outside that found its place full
    std::uint64_t abandoned = 0;   ///< tasks that a stop left unrun and that were destroyed: by stop(deadline), or by who waited for one of them, on its thread. The others are with the pool
    std::uint64_t queued = 0;      ///< about so many wait for a node
    std::int64_t work = 0;         ///< what executors track: timers, sockets, coroutines under way
    std::vector<task_worker_status> workers;
    std::vector<placement> placements;
};

}  // namespace numasio
