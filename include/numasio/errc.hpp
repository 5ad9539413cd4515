// The errors that numasio reports as boost::system::error_code.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace numasio {

using error_code = boost::system::error_code;

enum class errc {
    lane_full = 1,        ///< every place of the lane is taken; try later or shed the request
    no_lane,              ///< the calling thread is ending and has given its lanes back, or there was no memory for its list of them
    not_started,          ///< a bridge accepts requests, and a sharded calls, only after start()
    stopped,              ///< the bridge, pool or sharded has been stopped
    service_failed,       ///< the service threw; the worker lives on, and its worker_status::first_failure keeps the first text
    forked,               ///< this process is a fork of the one that started the bridge or pool
    not_this_machine,     ///< a topology that was simulated or read from a file cannot be pinned or bound to
    pin_refused,          ///< the kernel did not put the thread where it was asked to be
    bind_refused,         ///< the kernel refused the memory policy
    pages_elsewhere,      ///< pages were found on another node than asked for
    out_of_node_memory,   ///< the node, or this process's container, has too little free memory
    unknown_pool,         ///< the plan has no pool of that name
    already_started,      ///< a step that is only allowed before start(), or start() again
    pool_not_served,      ///< the plan names a pool for which no service was opened
    thread_refused,       ///< the system could not create a worker thread
    wrong_topology,       ///< the topology source could not be read
    no_worker,            ///< a home beyond the pool's workers; a node where it has none; a thread that is none, or has no T of a sharded
    pages_unknown,        ///< the kernel did not say where all pages are
    already_open,         ///< a pool is opened once
    no_huge_pages,        ///< the nodes' pools hold too few free pages of the size, or the kernel makes none
    policy_unknown,       ///< the kernel is older than the memory policy
    no_place,             ///< a reservation that was used or moved from, or that is another pool's
    realtime_refused,     ///< the kernel did not give the thread real-time priority
    not_driven,           ///< the pool's workers have threads of their own: its idle strategy is not caller_drives
    may_not_block,        ///< blocking_call(), a sharded's start() or stop(), a bridge's stop() or a pool's join(), on a thread that delivers replies, serves requests or runs the pool's tasks: its own might never come
    dropped,              ///< the lane's queue was too long for one more that may be dropped (when_full: drop_oldest)
    shed,                 ///< the worker does not keep up, and this request had waited too long (when_full: shed)
    no_bulk,              ///< the plan gives the pool no lanes of class bulk
    request_lost,         ///< moving the request threw when its turn had come to have a place
    outcome_unknown,      ///< the bridge was destroyed while the service was still at this request: it may take effect yet
    credit_too_large,     ///< a stream's credit is more than the lane has places
    pool_full,            ///< every place for new tasks from outside is taken; try later or shed the work
    wrong_run,            ///< the plan has the pool run something else (`run: service | tasks | reactor`)
    not_the_owner,        ///< what only its owner's threads may do
};

/// The category of errc; its name is "numasio".
/// Threads: any. Blocks: never. Fails: never. Cost: none. Lifetime: static.
const boost::system::error_category& category() noexcept;

inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace numasio

template <>
struct boost::system::is_error_code_enum<numasio::errc> : std::true_type {};
