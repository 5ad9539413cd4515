// How a reactor pool is: plain values, safe to keep.
#pragma once

#include <numasio/layout.hpp>
#include <numasio/placement.hpp>
#include <numasio/worker_state.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numasio {

struct reactor_worker_status {
    worker_site site;
    worker_state state = worker_state::starting;
    bool asleep = false;              ///< it sleeps, or serves its sockets between two sleeps
    bool benched = false;             ///< reactor_pool::resize() has new connections go to others
    std::uint64_t arrivals = 0;       ///< functions that came from other threads and were begun
    std::uint64_t failed = 0;         ///< exceptions that left a function or a handler
    std::uint64_t refused = 0;        ///< new work from outside that found no room
    std::uint64_t overflowed = 0;     ///< functions beyond the capacity, which could not be refused
    std::uint64_t abandoned = 0;      ///< functions from outside that were destroyed uninvoked
    std::uint64_t queued = 0;         ///< about so many wait
    std::int64_t work = 0;            ///< what executors track: timers, sockets, coroutines under way
    std::uint64_t sleeps = 0;         ///< announced; some end before they begin, because work came
    std::uint64_t doorbells = 0;      ///< times another thread woke it: at most once for each of these
    std::uint64_t accepted = 0;       ///< connections that it got
    std::int64_t open = 0;            ///< … of these, and of those on their way to it: not closed yet
    std::uint64_t stalls = 0;         ///< functions and handlers in which it was found for more than a second; `state` is stuck meanwhile
    std::uint64_t displacements = 0;  ///< times its CPU was found taken from it: offline, or out of the cpuset
    std::string first_failure;        ///< what the first exception said; empty where none was thrown
};

/// One socket that listens.
struct reactor_listener_status {
    boost::asio::ip::tcp::endpoint endpoint;
    std::optional<std::uint32_t> worker;  ///< that accepts there for itself; absent: connections are handed over
    std::optional<cpu_id> incoming_cpu;   ///< the kernel says that it prefers connections whose packets this CPU handles. Linux 6.2 and later do so
    std::string why;                      ///< where it does not: what the kernel answered
};

struct reactor_pool_status {
    std::string name;
    bool accepting = false;             ///< new work from outside
    std::uint64_t turned_away = 0;      ///< connections that were closed because no worker had room for them, or because the chooser threw
    std::string first_failure;          ///< what the first exception of a chooser said; empty where none threw. Those of handlers: each worker's
    std::uint64_t accept_failures = 0;  ///< accepts that failed: no descriptors, say. The next try comes 50 ms later
    std::vector<reactor_worker_status> workers;
    std::vector<reactor_listener_status> listeners;
    std::vector<placement> placements;
};

}  // namespace numasio
