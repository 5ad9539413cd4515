// The typed entry to a service: hand a request to the worker that owns it, be resumed with the reply.
#pragma once

#include <numasio/detail/adapted_handler.hpp>
#include <numasio/detail/lane.hpp>
#include <numasio/detail/pool_core.hpp>
#include <numasio/errc.hpp>
#include <numasio/hash.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

namespace numasio {

/// The worker that a request is for: its index in the pool.
struct home {
    std::uint32_t worker = 0;
    friend constexpr auto operator<=>(home, home) noexcept = default;
};

/// Thread safety: distinct objects safe, shared objects safe. A port is a handle: copies are the same port, and
/// one that outlives its bridge answers errc::stopped, on the bridge's executor, which must still be there. As with any object, the bridge's destructor does not run
/// beside a call on another thread; stop() may.
template <class Request, class Response>
class port {
    using lane_type = detail::lane<Request, Response>;

public:
    using request_type = Request;
    using response_type = Response;
    using executor_type = boost::asio::any_io_executor;

    explicit port(std::shared_ptr<detail::pool_core> core) noexcept : core_(std::move(core)) {}

    /// The bridge's executor: where handlers run that have no executor of their own.
    executor_type get_executor() const noexcept { return core_->executor(); }

    /// Workers of the pool; fixed. Threads: any. Blocks: never. Fails: never. Cost: none.
    std::uint32_t workers() const noexcept { return core_->workers(); }

    /// The worker that owns `key`: hash_key(key) scaled to the number of workers. Stable for the life of the
    /// process. Threads: any. Blocks: never. Fails: never. Cost: one hash.
    template <class Key>
    home home_of(const Key& key) const noexcept {
        __extension__ using wide = unsigned __int128;
        return {static_cast<std::uint32_t>((wide{hash_key(key)} * core_->workers()) >> 64)};
    }
    /// An explicit worker. Fails: throws std::out_of_range.
    home at(std::uint32_t worker) const {
        if (worker >= workers()) { throw std::out_of_range("numasio::port::at: the pool has fewer workers"); }
        return {worker};
    }

    /// A worker on `node`: of the calling thread's lanes there one of those with the fewest requests on their way, at random.
    /// Threads: any. Blocks: never. Fails: throws std::out_of_range where the pool has no worker on the node. Cost: a look at each of its lanes.
    home any_of(node_id node) const {
        thread_local std::minstd_rand dice;
        errc why{};
        const auto lanes = core_->lanes(why);  // none: the call will say why
        home chosen;
        std::uint64_t fewest = 0;
        std::uint32_t equal = 0;
        for (std::uint32_t w = 0; w < workers(); ++w) {
            if (core_->node_of(w) != node) { continue; }
            const auto on_its_way = lanes.empty() ? 0 : lanes[w]->on_its_way();
            if (equal == 0 || on_its_way < fewest) {
                fewest = on_its_way;
                equal = 0;
            } else if (on_its_way > fewest) { continue; }
            if (dice() % ++equal == 0) { chosen = {w}; }  // each of k equal ones with the same chance
        }
        if (equal == 0) { throw std::out_of_range("numasio::port::any_of: the pool has no worker on this node"); }
        return chosen;
    }

    /// One place on the calling thread's lane to a worker, taken in advance, so that several requests can be
    /// accepted all or none. Use it on the thread that took it; dropping it (on any thread) gives it back.
    /// Lifetime: no longer than the bridge.
    class reservation {
    public:
        reservation(reservation&& other) noexcept
            : pool_(other.pool_), lane_(std::exchange(other.lane_, nullptr)), to_(other.to_),
              why_(std::exchange(other.why_, errc::no_place)) {}
        reservation& operator=(reservation&& other) noexcept {
            reservation taken(std::move(other));
            std::swap(pool_, taken.pool_);
            std::swap(lane_, taken.lane_);
            std::swap(to_, taken.to_);
            std::swap(why_, taken.why_);
            return *this;
        }
        ~reservation() {
            if (lane_ != nullptr) { lane_->drop(); }
        }
        explicit operator bool() const noexcept { return lane_ != nullptr; }
        /// Why there is no place: errc::lane_full, no_worker, not_started, stopped or forked; no_lane where the
        /// thread is ending; no_place after the
        /// reservation was used or moved from.
        error_code error() const noexcept { return lane_ != nullptr ? error_code{} : error_code(why_); }

    private:
        friend port;
        reservation(detail::pool_core& pool, lane_type* from, home to) noexcept : pool_(&pool), lane_(from), to_(to) {}
        explicit reservation(errc why) noexcept : why_(why) {}

        const detail::pool_core* pool_ = nullptr;
        lane_type* lane_ = nullptr;
        home to_;
        errc why_{};
    };

    /// Threads: any. Blocks: never; past the plan's `lane.producers`, for the lock of the lane that the threads beyond share.
    /// Cost: a thread-local look-up; a thread's first call registers it.
    /// Fails: an empty reservation whose error() says why.
    reservation try_reserve(home to) noexcept { return reserve(*core_, to); }

    /// Hands `request` to worker `to`. Signature: void(error_code, Response).
    /// Threads: any; requests of one thread to one worker are served in order. Past the plan's `lane.producers` threads share one more lane,
    /// and a lock.
    /// Blocks: never, but for that lock; a worker that sleeps is woken (one system call).
    /// Fails: by the handler: errc::lane_full (at once), no_worker, not_started, stopped, forked,
    ///        service_failed; operation_aborted if cancelled before the worker started it.
    /// Cost: a slot of the lane, no allocation for handlers of up to about 60 bytes; one clock read here, one each where
    ///        the service is called and where the reply is delivered.
    /// Lifetime: `request` is moved from before return; moving it or the handler must not call the port. The handler runs exactly once, on its associated
    ///        executor (default: get_executor()), never on a worker and never inside this call; if its context
    ///        never runs again it is destroyed uninvoked and, where the request had been accepted, counted
    ///        (bridge_status::abandoned). A handler that runs
    ///        its own context (a nested poll) gets no replies of the same worker meanwhile.
    /// Cancellation: any type; a request that has been started is not interrupted.
    template <class CompletionToken>
    auto async_call(home to, Request request, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, void(error_code, Response)>(initiation(core_), token, to,
                                                                                        std::move(request));
    }

    /// The same with a place taken before: never errc::lane_full, unless it is used on another thread than
    /// the one that took it and that thread's own lane is full. errc::no_place for one that was used or moved from, or
    /// that another pool's port gave.
    template <class CompletionToken>
    auto async_call(reservation place, Request request, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, void(error_code, Response)>(initiation(core_), token, std::move(place),
                                                                                        std::move(request));
    }

    /// async_call without its reply. Signature: void(error_code), when the service has run the request. Otherwise as async_call; a service
    /// that failed is seen only where a token asks for it.
    template <class CompletionToken = boost::asio::detached_t>
    auto async_post(home to, Request request, CompletionToken&& token = {}) {
        return boost::asio::async_initiate<CompletionToken, void(error_code)>(posting(core_), token, to, std::move(request));
    }

    /// async_call for who wants to know at once: an error where the request is not accepted, and then neither it nor `handler` was touched.
    /// `handler` is called as async_call has it, and so are the other promises.
    template <class CompletionHandler>
    error_code try_call(home to, Request&& request, CompletionHandler&& handler) {
        auto place = reserve(*core_, to);
        if (!place) { return place.error(); }
        start(*core_, std::move(place), std::move(request), std::forward<CompletionHandler>(handler));
        return {};
    }

    /// For threads that have no context of their own: hands `request` over and waits for the reply, which a thread that runs the bridge's
    /// context delivers; at most `longest`, then the request is cancelled: it does not run unless it has been started.
    /// Threads: any but workers and those that run the bridge's context. A bridge on an io_context, a thread_pool or a strand of one of these
    /// knows them; on another executor that only this thread runs, and on the thread that drives the worker (caller_drives), the call does not
    /// return before `longest`. Blocks: until the reply. The context must outlive the call.
    /// Fails: `ec` (the form without: throws boost::system::system_error) as async_call; errc::may_not_block; timed_out. Cost: an allocation, a wake of this thread.
    Response blocking_call(home to, Request request, error_code& ec, std::chrono::nanoseconds longest = std::chrono::nanoseconds::max()) {
        if (!core_->may_block()) {
            ec = core_->refuse(errc::may_not_block);
            return Response{};
        }
        std::promise<std::pair<error_code, Response>> promise;
        auto reply = promise.get_future();
        auto place = reserve(*core_, to);
        if ((ec = place.error())) { return Response{}; }
        lane_type* in = nullptr;
        typename lane_type::ticket sent{};
        start(*core_, std::move(place), std::move(request),
              [p = std::move(promise)](error_code e, Response r) mutable { p.set_value({e, std::move(r)}); },
              [&](const auto&, lane_type& chosen, auto ticket) { in = &chosen, sent = ticket; });
        if (longest == std::chrono::nanoseconds::max()) { reply.wait(); }
        else if (reply.wait_for(longest) != std::future_status::ready) {
            in->cancel(sent);
            ec = boost::asio::error::timed_out;
            return Response{};
        }
        try {
            auto [e, r] = reply.get();
            ec = e;
            return std::move(r);
        } catch (const std::future_error&) {  // the context destroyed the handler after all, with the reply on its way
            ec = errc::stopped;
            return Response{};
        }
    }
    Response blocking_call(home to, Request request, std::chrono::nanoseconds longest = std::chrono::nanoseconds::max()) {
        error_code ec;
        Response reply = blocking_call(to, std::move(request), ec, longest);
        if (ec) { throw boost::system::system_error(ec, "blocking_call"); }
        return reply;
    }

private:
    /// Starts an operation. Most tokens do so at once, and the port's own pointer is enough; one that keeps it for later (deferred) moves
    /// it, and it then owns the pool.
    class initiation {
    public:
        using executor_type = port::executor_type;

        explicit initiation(const std::shared_ptr<detail::pool_core>& core) noexcept : core_(&core) {}
        initiation(const initiation& other) noexcept : owned_(*other.core_) {}
        initiation& operator=(const initiation&) = delete;

        executor_type get_executor() const noexcept { return (*core_)->executor(); }

        template <class Handler>
        void operator()(Handler&& handler, home where, Request&& request) const {
            auto& core = **core_;
            start(core, reserve(core, where), std::move(request), std::forward<Handler>(handler));
        }
        template <class Handler>
        void operator()(Handler&& handler, reservation taken, Request&& request) const {
            auto& core = **core_;
            if (taken && taken.pool_ != &core) { taken = reservation(core.refuse(errc::no_place)); }
            if (taken && !owned_by_this_thread(core, taken)) { taken = reserve(core, taken.to_); }
            start(core, std::move(taken), std::move(request), std::forward<Handler>(handler));
        }

    private:
        std::shared_ptr<detail::pool_core> owned_;
        const std::shared_ptr<detail::pool_core>* core_ = &owned_;
    };

    struct posting : initiation {
        using initiation::initiation;
        template <class Handler>
        void operator()(Handler&& handler, home where, Request&& request) const {
            initiation::operator()(detail::adapted_handler{std::decay_t<Handler>(std::forward<Handler>(handler)), without_reply{}}, where,
                                   std::move(request));
        }
    };
    struct without_reply {
        template <class Handler>
        void operator()(Handler&& handler, error_code ec, const Response&) const {
            std::move(handler)(ec);
        }
    };

    static reservation reserve(detail::pool_core& core, home to) noexcept {
        errc why{};
        const auto row = core.lanes(why);
        if (row.empty()) { return reservation(core.refuse(why)); }
        if (to.worker >= row.size()) { return reservation(core.refuse(errc::no_worker)); }
        auto& chosen = static_cast<lane_type&>(*row[to.worker]);
        const auto turn = chosen.turn();
        chosen.counters.offered.add();
        if (chosen.reserve()) { return reservation(core, &chosen, to); }
        chosen.counters.rejected.add();
        return reservation(errc::lane_full);
    }

    /// Connects the handler's cancellation slot, if it has one.
    template <class Handler>
    static void start(detail::pool_core& core, reservation place, Request&& request, Handler&& handler) {
        if (!place) { return detail::post_failure<std::decay_t<Handler>, Response>(std::forward<Handler>(handler), place.error(), core.executor()); }

        const auto cancellation = boost::asio::get_associated_cancellation_slot(handler);
        start(core, std::move(place), std::move(request), std::forward<Handler>(handler), [&](const auto& worker, lane_type& chosen, auto ticket) {
            if (cancellation.is_connected()) { connect(cancellation, worker, chosen, ticket); }
        });
    }
    /// `connect(worker, lane, ticket)` runs before the worker can have the request.
    template <class Handler, class Connect>
    static void start(detail::pool_core& core, reservation place, Request&& request, Handler&& handler, Connect&& connect) {
        auto& chosen = *place.lane_;
        const auto& worker = core.worker(place.to_.worker);
        const auto connected = [&](auto ticket) { connect(worker, chosen, ticket); };
        const auto turn = chosen.turn();
        const auto sent = chosen.submit(std::move(request), std::forward<Handler>(handler), core.executor(), detail::steady_ns(), connected);
        place.lane_ = nullptr;
        worker->announce(chosen);
        chosen.hold_work(core.executor(), worker->bell);
        // [close-1] Pairs with [close-2]: announce() fenced between the push and this look. Either the worker's last
        // sweep sees the request, or we see the closing and take it back (or find that the worker has it).
        if (worker->closing.load(std::memory_order_relaxed) && chosen.revoke(sent.slot)) { worker->completed_elsewhere(chosen); }
    }

    static bool owned_by_this_thread(detail::pool_core& core, const reservation& place) noexcept {
        errc why{};
        const auto row = core.lanes(why);
        return !row.empty() && row[place.to_.worker] == place.lane_;
    }

    template <class Slot>
    static void connect(Slot cancellation, const std::shared_ptr<detail::worker_core>& worker, lane_type& chosen,
                        typename lane_type::ticket request) {
        // The worker is kept alive with the cancellation slot: an emission may come after the bridge is gone.
        cancellation.assign([owner = worker, &chosen, request](boost::asio::cancellation_type type) {
            if (type != boost::asio::cancellation_type::none) { chosen.cancel(request); }
        });
    }

    std::shared_ptr<detail::pool_core> core_;
};

}  // namespace numasio
