// The bridge from an Asio service to pinned workers: open services, start, call, stop.
#pragma once

#include <numasio/detail/bridge_core.hpp>
#include <numasio/detail/reply_poster.hpp>
#include <numasio/invoker.hpp>
#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/port.hpp>
#include <numasio/status.hpp>
#include <numasio/stop_report.hpp>
#include <numasio/task_observer.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/is_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

namespace numasio {

class node_pool;     // numasio/node_pool.hpp
class reactor_pool;  // numasio/reactor_pool.hpp

namespace detail {
template <class T>
concept executor = boost::asio::execution::is_executor<T>::value || boost::asio::is_executor<T>::value;
}

/// Owns the workers of a plan and carries requests to them and replies back.
/// Thread safety: distinct objects safe; shared objects: open() and start() from one thread,
/// everything else from any thread.
class bridge {
public:
    /// `executor` is the control plane's: replies are delivered from it. Nothing is started yet. An io_context's own
    /// executor makes posting replies free of allocations; through any_io_executor each batch allocates once, and where
    /// that fails the process ends: replies that cannot be posted would be lost; so does counting the work of a lane that begins to be busy.
    /// Fails: throws plan_error where the machine lacks what the plan names.
    /// Lifetime: the executor's context may be destroyed first: it stops the bridge then, as ~bridge would, and destroys the handlers that are left uninvoked
    /// (bridge_status::abandoned); nobody may call the ports afterwards. Not where the executor is a strand, which must not outlive its context.
    template <class Executor>
        requires detail::executor<Executor>
    bridge(const Executor& executor, plan asked)
        : bridge(executor, std::move(asked), discover_topology()) {}
    template <class Executor>
        requires detail::executor<Executor>
    bridge(const Executor& executor, plan asked, topology machine);
    /// The same with the context's executor, as Asio's own I/O objects take it.
    template <class Context>
        requires std::is_convertible_v<Context&, boost::asio::execution_context&>
    bridge(Context& context, plan asked) : bridge(context.get_executor(), std::move(asked)) {}
    template <class Context>
        requires std::is_convertible_v<Context&, boost::asio::execution_context&>
    bridge(Context& context, plan asked, topology machine)
        : bridge(context.get_executor(), std::move(asked), std::move(machine)) {}
    /// stop(0), if it has not been stopped. A request that a worker is still serving then, or after a stop that reported it as stuck, ends with errc::outcome_unknown, as
    /// ever from the executor; the worker keeps its memory, and ends when the service returns. In a forked child it leaves everything as it is.
    ~bridge() = default;
    bridge(const bridge&) = delete;
    bridge& operator=(const bridge&) = delete;

    /// Says which service the pool's workers run. Each worker builds its own `Service(node_context&)`;
    /// a request is served by `Response operator()(Request&&)` (or `const Request&`). Many replies to one request: numasio/stream.hpp.
    /// Threads: the one that starts the bridge; not a service's constructor. Blocks: while a start or stop is under way.
    /// Cost: an allocation or two.
    /// Fails: throws system_error: errc::unknown_pool, errc::already_open, errc::already_started, errc::wrong_run.
    /// Lifetime: the port is valid as long as the bridge.
    template <class Request, class Response, class Service>
    port<Request, Response>& open(std::string_view pool);

    /// The executors of a pool that the plan has run tasks or reactors; it runs from start() to stop(). pause(), resize() and the like are the caller's to call; stop() and
    /// placements are the bridge's.
    /// Threads: any. Blocks: while a start or stop is under way. Cost: a lock. Lifetime: as the bridge; executors, and what lives on them, end before.
    /// Fails: throws system_error: errc::unknown_pool, errc::wrong_run, errc::not_started.
    node_pool& tasks(std::string_view pool) const { return core_->tasks(pool); }
    /// What a pool that runs tasks calls beside them. Threads: the one that starts the bridge, before. Blocks: while a start or stop is under way.
    /// Fails: throws system_error: errc::unknown_pool, errc::wrong_run, errc::already_started. What hooks.starts throws comes out of start() as what a service's constructor throws does.
    void hook(std::string_view pool, pool_hooks hooks) { core_->hook(pool, std::move(hooks)); }
    reactor_pool& reactors(std::string_view pool) const { return core_->reactors(pool); }

    /// What start() looks at before it makes a thread: that every pool that serves has its service, and that lanes and services fit
    /// into the memory that the nodes, and the process's container, have to give now.
    /// Threads: any, but for a service's constructor. Blocks: reads a few small files; while a start or stop is under way.
    /// Fails: throws plan_error with place, amounts and remedy; system_error: errc::pool_not_served, not_this_machine,
    /// already_started, stopped.
    void check() const { core_->check(); }

    /// Pin, bind, prefault, verify, build the services; only then accept requests.
    /// Threads: the one that opened the pools. Cost: a thread for each worker, its memory touched page by page.
    /// Blocks: until every worker runs (prefaulting dominates). Fails: as check(); throws boost::system::system_error
    /// naming worker, call and errno; every thread already started is joined, nothing leaks. Signals that are sent to the process
    /// go to other threads: the workers block them, but for faults, SIGPIPE, SIGPROF, SIGVTALRM and the real-time ones; so does what they start, threads and
    /// processes, where it does not say otherwise (pthread_sigmask). What a service's
    /// constructor throws, and what hooks.starts of a pool that runs tasks does, comes nested in errc::service_failed, which names the worker and repeats the text.
    void start() { core_->start(); }

    /// What runs worker number `worker` of a pool whose idle strategy is caller_drives: such workers have no thread, and serve only while
    /// invoke() is called. Their memory is bound and their services are built by start(), on its thread; stop() serves what is left until its
    /// deadline, and destroys the services, on its own.
    /// Threads: any. Blocks: while a start or stop is under way. Cost: a lock. Lifetime: as numasio::invoker says.
    /// Fails: throws boost::system::system_error: errc::unknown_pool, not_started, no_worker, not_driven.
    invoker invoker_of(std::string_view pool, std::uint32_t worker) const { return core_->invoker_of(pool, worker); }

    /// Pins the calling thread to the control plane's CPUs (sites().control), reads the mask back, and adds the
    /// placement. For each thread that runs the io_context, from that thread. Topologies discovered by a pinned thread
    /// know only its CPUs: make bridges first.
    /// Threads: any, for itself. Blocks: two system calls.
    /// Fails: throws boost::system::system_error: errc::not_this_machine; the errno where a pool of the plan is `strict`;
    /// otherwise the placement is `degraded` and says why.
    void pin_control_thread() { core_->pin_control_thread(); }

    /// Calls `told` from the bridge's executor with each placement that changes after start(), as it is now: a worker whose
    /// CPU went offline or left the cpuset (degraded), and the same worker back on it (honoured). Changes are looked for
    /// four times a second, by a thread of the bridge's own; what changed twice before `told` could run is told once. A mask that
    /// another program changed (taskset) is put right and counted, not told. One call at a time; an empty function ends it; what
    /// `told` throws leaves through the context's run().
    /// Threads: any; the last one given counts. Blocks: never. Cost: at most one post is pending.
    /// Lifetime: `told` is not called once the bridge is destroyed.
    void on_placement_change(std::function<void(const std::vector<placement>&)> told) {
        core_->on_placement_change(std::move(told));
    }

    /// Says that the application winds up: from now on status().accepting is false and /readyz answers 503, so that a load
    /// balancer sends new clients elsewhere, while calls are still accepted until stop(). Not taken back.
    /// Threads: any. Blocks: never. Fails: never.
    void announce_drain() noexcept { core_->announce_drain(); }

    /// Closes the intake, lets the workers finish what was accepted until the deadline, ends the rest with
    /// errc::stopped, joins. Replies are posted to the executor as ever. Pools that run reactors and tasks come first, each as its own stop(deadline) says, so that
    /// what they run may still call services; connections and coroutines that stay open until then take that time from the others.
    /// Threads: any but those of pools that run tasks or reactors, also several at once and from a handler. Blocks: at most about `deadline`, and for tasks that run then, with those of the groups that they wait for;
    /// a start() that is under way gives up with errc::stopped as soon as what its workers are at (prefaulting, a
    /// service's constructor) returns, which is waited for first.
    /// A worker still inside a service call then is left to itself (it keeps its memory) and reported. Fails: throws system_error(errc::may_not_block) on a worker of a pool that runs tasks or
    /// reactors: nothing has happened then.
    stop_report stop(std::chrono::nanoseconds deadline) { return core_->stop(deadline); }

    /// What was asked, got and why, for each control thread that pinned itself and, once started, each worker.
    /// Threads: any. Blocks: never. Cost: copies.
    std::vector<placement> placements() const { return core_->placements(); }
    /// A snapshot. Threads: any. Blocks: once a second, to sample 256 pages of each worker's memory.
    bridge_status status() const { return core_->status(); }
    /// What the bridge was made from: the machine (or its pretend nodes), the plan, and which worker stands where.
    /// Threads: any. Blocks: never. Fails: never. Lifetime: as the bridge.
    const topology& machine() const noexcept { return core_->machine(); }
    const plan& asked() const noexcept { return core_->asked(); }
    const numasio::layout& sites() const noexcept { return core_->sites(); }

private:
    std::unique_ptr<detail::bridge_core> core_;
};

template <class Executor>
    requires detail::executor<Executor>
bridge::bridge(const Executor& executor, plan asked, topology machine)
    : core_(std::make_unique<detail::bridge_core>(
          executor, detail::context_of(executor), [executor] { return std::make_unique<detail::reply_poster_for<Executor>>(executor); },
          std::move(asked), std::move(machine))) {}

template <class Request, class Response, class Service>
port<Request, Response>& bridge::open(std::string_view pool) {
    using lanes = detail::carried<Request, Response, Service>;
    using carried_response = typename lanes::response;
    static_assert(std::is_constructible_v<typename lanes::service, node_context&>, "a service is built from node_context&");
    static_assert(std::is_move_constructible_v<typename lanes::request>, "a request is movable");
    static_assert(!std::is_void_v<carried_response>, "a response is a value: std::monostate, say, where there is nothing to reply");
    static_assert(std::is_nothrow_default_constructible_v<carried_response> && std::is_nothrow_move_constructible_v<carried_response>,
                  "a response is default-initialisable and movable, both without throwing, so that a reply on its way cannot be lost");
    static_assert(service_for<typename lanes::service, typename lanes::request, carried_response>,
                  "a service is called with Request&& (so it takes Request, Request&& or const Request&), and returns Response");
    auto opened = std::make_shared<port<Request, Response>>(
        core_->open(pool, std::make_unique<detail::service_factory_for<typename lanes::request, typename lanes::response, typename lanes::service>>()));
    core_->keep(opened);
    return *opened;
}

}  // namespace numasio
