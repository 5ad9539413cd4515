// A pool of pinned workers, each with an io_context of its own that no lock guards: sockets, timers and coroutines that stay on one core.
#pragma once

#include <numasio/hash.hpp>
#include <numasio/plan.hpp>
#include <numasio/reactor_connection.hpp>
#include <numasio/reactor_status.hpp>
#include <numasio/task_observer.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio {

namespace hot_path {
class reactor_pool_core;
}

/// Each worker runs one io_context, single-threaded (no lock in scheduler, registration and I/O), pinned to its CPU, with its memory on that CPU's node. Other threads
/// enter it by the executors only. So what lives on a worker (sockets, timers, coroutines) is used and destroyed on it: by functions posted to it.
/// Names are resolved elsewhere: async_resolve() of a resolver on a worker's executor fails with operation_not_supported. Make the resolver on the control plane's
/// executor and bind the handler to the worker's, or await it there: the reply comes through the inbox. The same holds for signal_set.
/// Thread safety: distinct objects safe; shared objects safe, but for the destructor.
class reactor_pool {
public:
    using executor_type = reactor_executor;

    /// Pins the workers, sets their memory policies, reads both back, and runs. `sites`: all of this pool's, make_layout(plan, machine).workers_of(name), or a program's own. Of the plan count `idle`, `enforce`
    /// and `tasks.capacity`: functions from outside that wait for one worker.
    /// Threads: any. Blocks: until every worker runs. Cost: a thread, an epoll instance and some descriptors for each. Fails: throws boost::system::system_error: under
    /// strict enforcement naming worker, call and errno; errc::not_this_machine; errc::thread_refused; the errno where descriptors run out; operation_not_supported for
    /// idle: caller_drives; std::invalid_argument where the sites are not this pool's. Nothing is left behind then.
    /// The workers block the signals that are sent to the process, as bridge::start() says, and so does what they start, where it does not say otherwise.
    reactor_pool(pool_plan asked, const topology& machine, std::vector<worker_site> sites);
    /// stop() and join(). What was not run is destroyed uninvoked, each on its worker. On a worker of this pool the program ends (std::terminate()). In a forked child it leaves everything as it is.
    ~reactor_pool();
    reactor_pool(const reactor_pool&) = delete;
    reactor_pool& operator=(const reactor_pool&) = delete;

    // --- executors: cheap values; Threads: any. Blocks: never -------------------------------------------
    /// Worker 0 … workers()-1. Fails: throws system_error(errc::no_worker).
    executor_type on(std::uint32_t worker) const;
    /// The worker that a key belongs to: the same for equal keys, for the life of the pool.
    template <class Key>
    executor_type home_of(const Key& key) const noexcept {
        return executor_type(core_of(scale_hash(hash_key(key), workers())));
    }
    /// A worker that has the fewest open connections, of those that resize() leaves.
    executor_type least_loaded() const noexcept;

    /// Runs `f` on that worker, or says why not; it is destroyed then. What was passed as an lvalue is copied, and can be tried again.
    /// Threads: any. Blocks: never. Cost: as execute(). Fails: errc::pool_full, stopped, forked; not_enough_memory; throws what else copying or moving `f` throws.
    template <class F>
    [[nodiscard]] error_code try_post(const executor_type& where, F&& f) noexcept(std::is_nothrow_constructible_v<std::decay_t<F>, F>) {
        detail::pool_task* task = nullptr;
        try {
            task = detail::make_task<std::decay_t<F>>(std::forward<F>(f), std::allocator<void>());
        } catch (const std::bad_alloc&) {
            return make_error_code(boost::system::errc::not_enough_memory);
        }
        const auto refused = where.core().offer(task, true);
        if (refused) { task->kind->end(task, false); }  // destroys it where it is
        return refused;
    }

    // --- connections ------------------------------------------------------------------------------------
    /// One listener for each worker on the same endpoint (SO_REUSEPORT), which prefers connections whose packets the worker's CPU handles (SO_INCOMING_CPU): the
    /// kernel deals the connections, and each stays with the worker that it was dealt to. Returns where they listen: port 0 lets the system choose.
    /// Threads: any but the pool's workers. Blocks: some system calls for each worker. Fails: throws system_error, naming the endpoint: the kernel's errno (address_in_use
    /// also where another process shares the port: no connection goes there unnoticed); invalid_argument for an empty handler; errc::stopped, forked: no worker listens then.
    /// std::bad_alloc: some may.
    boost::asio::ip::tcp::endpoint listen(const boost::asio::ip::tcp::endpoint& at, connection_handler handler);

    /// Which worker gets a connection. Threads: those of the executor that accepts. Where it throws the connection is closed (reactor_pool_status::turned_away), the first text is kept
    /// (reactor_pool_status::first_failure), and the next connection is asked for as ever.
    using chooser = std::function<executor_type(const boost::asio::ip::tcp::endpoint& peer)>;
    /// One listener, on an executor of the control plane: each connection is handed to a worker that has the fewest, or to that which `choose` names. Where that one
    /// has no room the connection is closed (reactor_pool_status::turned_away).
    /// Threads, Blocks, Fails: as listen(). Lifetime: context and pool may end in either order, but not at the same time.
    boost::asio::ip::tcp::endpoint accept_on(const boost::asio::any_io_executor& control, const boost::asio::ip::tcp::endpoint& at, connection_handler handler,
                                             chooser choose = {});

    /// Hands a connection over: `handler` gets it on that worker. Threads: any that may use the socket. Blocks: never. Cost: as execute(); some system calls.
    /// Fails: errc::pool_full, stopped, forked; invalid_argument for an empty handler; the kernel's errno; `from` keeps the connection then. What was pending on `from` is cancelled
    /// in any case but that of an empty handler.
    template <class Executor>
    [[nodiscard]] error_code hand_over(boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>&& from, const executor_type& to, connection_handler handler) {
        if (!handler) { return make_error_code(boost::system::errc::invalid_argument); }
        error_code ec;
        const auto peer = from.remote_endpoint(ec);
        if (ec) { return ec; }
        const auto number = from.release(ec);
        if (ec) { return ec; }
        const auto refused = give(to, number, peer, std::make_shared<const connection_handler>(std::move(handler)));
        if (refused) { from.assign(peer.protocol(), number, ec); }
        return refused;
    }

    /// Closes every listener. Connections that the kernel had queued there are reset. Threads: any. Blocks: never; on its worker each closes a little later.
    /// Fails: throws std::bad_alloc.
    void stop_listening();

    // --- its life; in a forked child these do nothing ---------------------------------------------------
    /// Handlers that run end, and no other is begun; new work from outside is refused with errc::stopped. Threads: any, also its workers; any number of times. Blocks: never.
    void stop() noexcept;
    /// Closes the listeners and waits until all work is done, or stop() was called, and the workers have ended: no functions, nothing pending in any io_context, nothing that
    /// executors track. The workers leave together: one may send another something until then.
    /// From then on the pool has stopped. Threads: any but the pool's workers. Blocks: so long. Fails: throws system_error(errc::may_not_block) on a worker of this pool.
    void join();
    /// Closes the intake, but for what the workers send one another, and the listeners, and waits as join() until the deadline; then stop(). How much was left: functions from outside, and what executors tracked (operations,
    /// coroutines), all destroyed uninvoked on their workers. Threads: any but the pool's workers; any number of times. Blocks: until the deadline, and for the handlers that run then. Fails: as join().
    std::uint64_t stop(std::chrono::nanoseconds deadline);

    /// So many workers of each node get new connections (of listen(), accept_on() without a chooser, least_loaded()), 1 … as many as the plan has; 0 counts as 1. The others keep the connections that
    /// they have, and what is for them (on(), home_of(), hand_over()), and sleep where that is nothing; what the kernel gives to their listeners they hand on. Threads: any. Blocks: for a lock for a moment.
    void resize(std::uint32_t workers_per_node) noexcept;

    // --- how it is: Threads: any. Blocks: for locks that no handler holds. Cost: copies ------------------
    std::uint32_t workers() const noexcept;
    const std::vector<worker_site>& sites() const noexcept;
    /// Is the calling thread one of its workers?
    bool runs_here() const noexcept;
    reactor_pool_status status() const;
    std::vector<placement> placements() const;
    /// Looks whether each worker is still on its CPU, and puts it back; calls `tell` with what changed.
    /// Threads: one at a time. Blocks: a system call for each worker.
    void look_after(const std::function<void(const placement&)>& tell);
    /// The part of look_after() that on_stall() is about. How soon to look again, as node_pool::look_for_stalls().
    /// Threads: one at a time, and not beside look_after(). Blocks: for locks; while `told` is called. Cost: wakes each worker that has done something since it fell asleep.
    std::chrono::nanoseconds look_for_stalls();
    /// `told` hears of each worker that has not come from one function or handler to the next for `limit` or longer: as node_pool::on_stall(), with the same rates, signal, threads
    /// and errors (EINVAL for every signal that is not a real-time one, SIGRTMIN + n). task_stall::task is "a handler": what it is in the stack says. What runs on context() past the
    /// worker's executor, or bound to one that calls at once (system_executor), is seen with idle: busy_spin only.
    void on_stall(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal = std::nullopt);

private:
    detail::reactor_core& core_of(std::uint32_t worker) const noexcept;
    error_code give(const executor_type& to, int socket, const boost::asio::ip::tcp::endpoint& peer, std::shared_ptr<const connection_handler> handler) noexcept;

    std::unique_ptr<hot_path::reactor_pool_core> core_;
};

}  // namespace numasio
