// The bridge from an Asio service to pinned workers: open services, start, call, stop.
#pragma once

#include <numasio/detail/bridge_core.hpp>
#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/port.hpp>
#include <numasio/status.hpp>
#include <numasio/topology.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

namespace numasio {

/// How a stop went.
struct stop_report {
    std::uint64_t stopped = 0;  ///< requests that ended with errc::stopped
    std::uint32_t stuck = 0;    ///< workers still inside a service call at the deadline
    bool drained() const noexcept { return stopped == 0 && stuck == 0; }
};

/// Owns the workers of a plan and carries requests to them and replies back.
/// Thread safety: distinct objects safe; shared objects: open() and start() from one thread,
/// everything else from any thread.
class bridge {
public:
    /// `executor` is the control plane's: replies are delivered from it. Nothing is started yet.
    /// Fails: throws plan_error where the machine lacks what the plan names.
    template <class Executor>
    bridge(const Executor& executor, plan asked)
        : bridge(executor, std::move(asked), discover_topology()) {}
    template <class Executor>
    bridge(const Executor& executor, plan asked, topology machine);
    ~bridge();  ///< stop(0)
    bridge(const bridge&) = delete;
    bridge& operator=(const bridge&) = delete;

    /// Says which service the pool's workers run. Each worker builds its own `Service(node_context&)`;
    /// a request is served by `Response operator()(Request&&)` (or `const Request&`).
    /// Fails: throws system_error: errc::unknown_pool, errc::already_started.
    /// Lifetime: the port is valid as long as the bridge.
    template <class Request, class Response, class Service>
    port<Request, Response>& open(std::string_view pool);

    /// Pin, bind, prefault, verify, build the services; only then accept requests.
    /// Blocks: until every worker runs (prefaulting dominates). Fails: throws boost::system::system_error
    /// naming worker, call and errno; every thread already started is joined, nothing leaks.
    void start();

    /// Closes the intake, lets the workers finish what was accepted until the deadline, ends the rest with
    /// errc::stopped, joins. Replies are posted to the executor as ever.
    /// Threads: any, also several at once and from a handler. Blocks: at most about `deadline`.
    /// A worker still inside a service call then is left to itself (it keeps its memory) and reported.
    stop_report stop(std::chrono::nanoseconds deadline);

    std::vector<placement> placements() const;
    bridge_status status() const;
    const topology& machine() const noexcept;
    const plan& asked() const noexcept;
    const numasio::layout& sites() const noexcept;

private:
    std::shared_ptr<detail::bridge_core> core_;
};

}  // namespace numasio
