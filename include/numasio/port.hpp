// The typed entry to a service: hand a request to the worker that owns it, be resumed with the reply.
#pragma once

#include <numasio/call_options.hpp>
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
#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace numasio {

namespace detail {
template <class Request, class Item>
class stream_lanes;
}
template <class Request, class Response>
class call_batch;

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
    template <class, class>
    friend class port;  // a stream's is one of its steps
    template <class, class>
    friend class call_batch;
    template <class, class>
    friend class detail::stream_lanes;

public:
    using request_type = Request;
    using response_type = Response;
    using executor_type = boost::asio::any_io_executor;

    explicit port(std::shared_ptr<detail::pool_core> core) noexcept : core_(std::move(core)) {}

    /// The same port, whose requests are treated so, and no longer as another with() had it. Threads: any. Blocks: never. Fails: never. Cost: a reference count; make it once.
    port with(call_options how) const noexcept { return port(core_, detail::request_terms(how)); }

    /// The bridge's executor: where handlers run that have no executor of their own.
    executor_type get_executor() const noexcept { return core_->executor(); }

    /// Workers of the pool; fixed. Threads: any. Blocks: never. Fails: never. Cost: none.
    std::uint32_t workers() const noexcept { return core_->workers(); }

    /// The worker that owns `key`: hash_key(key) scaled to the number of workers. Stable for the life of the
    /// process. Threads: any. Blocks: never. Fails: never. Cost: one hash.
    template <class Key>
    home home_of(const Key& key) const noexcept {
        return {scale_hash(hash_key(key), core_->workers())};
    }
    /// An explicit worker. Fails: throws std::out_of_range.
    home at(std::uint32_t worker) const {
        if (worker >= workers()) { throw std::out_of_range("numasio::port::at: worker " + std::to_string(worker) + " of " + std::to_string(workers())); }
        return {worker};
    }

    /// A worker on `node`: of the calling thread's lanes there one of those with the fewest requests on their way, at random.
    /// Threads: any. Blocks: never. Fails: throws std::out_of_range where the pool has no worker on the node. Cost: a look at each of its lanes.
    home any_of(node_id node) const {
        thread_local std::minstd_rand dice;
        errc why{};
        const auto lanes = core_->lanes(why, terms_.bulk);  // none: the call will say why
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
        if (equal == 0) { throw std::out_of_range("numasio::port::any_of: the pool has no worker on node " + std::to_string(node.value)); }
        return chosen;
    }

    /// One place on the calling thread's lane to a worker, taken in advance, so that several requests can be
    /// accepted all or none. Use it on the thread that took it; dropping it (on any thread) gives it back, which may wait for a lock.
    /// Lifetime: its own; one that outlives the bridge holds nothing any more.
    class reservation {
    public:
        reservation(reservation&& other) noexcept
            : pool_(std::move(other.pool_)), lane_(std::exchange(other.lane_, nullptr)), to_(other.to_), bulk_(other.bulk_),
              why_(std::exchange(other.why_, errc::no_place)) {}
        reservation& operator=(reservation&& other) noexcept {
            reservation taken(std::move(other));
            std::swap(pool_, taken.pool_);
            std::swap(lane_, taken.lane_);
            std::swap(to_, taken.to_);
            std::swap(bulk_, taken.bulk_);
            std::swap(why_, taken.why_);
            return *this;
        }
        ~reservation() {
            if (lane_ == nullptr) { return; }
            if (const auto alive = pool_->worker_still_there(to_.worker)) { lane_->drop(*alive, pool_->executor()); }
        }
        explicit operator bool() const noexcept { return lane_ != nullptr; }
        /// Why there is no place: errc::lane_full, no_worker, no_bulk, not_started, stopped or forked; no_lane where the thread is
        /// ending; no_place after the reservation was used or moved from.
        error_code error() const noexcept { return lane_ != nullptr ? error_code{} : error_code(why_); }

    private:
        friend port;
        reservation(std::shared_ptr<detail::pool_core> pool, lane_type& from, home to) noexcept
            : pool_(std::move(pool)), lane_(&from), to_(to), bulk_(from.bulk) {}
        explicit reservation(errc why) noexcept : why_(why) {}

        std::shared_ptr<detail::pool_core> pool_;
        lane_type* lane_ = nullptr;
        home to_;
        bool bulk_ = false;
        errc why_{};
    };

    /// Threads: any. Blocks: never; past the plan's `lane.producers`, for the lock of the lane that the threads beyond share.
    /// Cost: a thread-local look-up and a reference count; a thread's first call registers it.
    /// Fails: an empty reservation whose error() says why; errc::lane_full also where the plan lets calls wait, which this does not.
    [[nodiscard]] reservation try_reserve(home to) noexcept {
        errc why{};
        auto* const chosen = lane_to(*core_, to, terms_, why);
        if (chosen == nullptr) { return reservation(why); }
        if (const auto refused = reserve(*core_, *chosen, to)) { return reservation(*refused); }
        return reservation(core_, *chosen, to);
    }

    /// Hands `request` to worker `to`. Signature: void(error_code, Response).
    /// Threads: any; requests of one thread to one worker are served in order. Past the plan's `lane.producers` threads share one more lane,
    /// and a lock.
    /// Blocks: never, but for that lock, which a thread's own lane has too while calls wait for its places; a worker that sleeps is woken (one system call).
    /// Fails: by the handler: errc::lane_full (at once; where the plan lets calls wait for a place, when too many do), shed, no_worker, no_bulk, no_lane, request_lost,
    ///        not_started, stopped, forked, service_failed, outcome_unknown; operation_aborted if cancelled before the worker started it, timed_out if it was
    ///        not started within the options' time.
    /// Cost: a slot of the lane, no allocation for handlers of up to about 100 bytes (three for a call that has to wait for a place); one clock read here, one each where
    ///        the service is called and where the reply is delivered. co_await with boost::asio::deferred takes a fifth less time than with use_awaitable.
    /// Lifetime: `request` is moved from before return; moving it or the handler must not call the port. The handler runs exactly once, on its associated
    ///        executor (default: get_executor()), never on a worker and never inside this call; if its context
    ///        never runs again it is destroyed uninvoked and, where the request had been accepted, counted
    ///        (bridge_status::abandoned). A handler that runs
    ///        its own context (a nested poll) gets no replies of the same worker meanwhile.
    /// Cancellation: any type; a request that has been started is not interrupted. One that has not ends when the worker comes to it: not
    ///        before what is served ahead of it has returned.
    template <class CompletionToken>
    auto async_call(home to, Request request, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, void(error_code, Response)>(initiation(core_, terms_), token,
                                                                                        to, std::move(request));
    }

    /// The same with a place taken before: never errc::lane_full, unless it is used on another thread than
    /// the one that took it and that thread's own lane is full. errc::no_place for one that was used or moved from, or
    /// that another pool's port gave.
    template <class CompletionToken>
    auto async_call(reservation place, Request request, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, void(error_code, Response)>(
            initiation(core_, terms_), token, std::move(place), std::move(request));
    }

    /// async_call without its reply. Signature: void(error_code), when the service has run the request. Otherwise as async_call. Where the plan
    /// has drop_oldest, errc::dropped. Without a token, and with asio::detached, nobody is told how the request ends: it is counted, its round trip is not, and it costs less.
    template <class CompletionToken = boost::asio::detached_t>
    auto async_post(home to, Request request, CompletionToken&& token = {}) {
        if constexpr (std::is_same_v<std::decay_t<CompletionToken>, boost::asio::detached_t>) {
            static_cast<void>(begin(*core_, to, terms_.as_lossy(), std::move(request), detail::no_reply{}, [](const auto&, const auto&) {}));
        } else {
            return boost::asio::async_initiate<CompletionToken, void(error_code)>(posting(core_, terms_.as_lossy()), token, to,
                                                                                   std::move(request));
        }
    }

    /// async_call for who wants to know at once: an error where the request is not accepted, and then neither it nor `handler` was touched.
    /// `handler` is called as async_call has it, and so are the other promises.
    template <class CompletionHandler>
    [[nodiscard]] error_code try_call(home to, Request&& request, CompletionHandler&& handler) {
        static_assert(std::invocable<std::decay_t<CompletionHandler>, error_code, Response>,
                      "try_call takes a completion handler, void(error_code, Response); async_call takes any completion token");
        return try_call(to, terms_, std::move(request), std::forward<CompletionHandler>(handler));
    }
    /// async_post for who wants to know at once whether the request is accepted, and not how it ends.
    [[nodiscard]] error_code try_post(home to, Request&& request) { return try_call(to, terms_.as_lossy(), std::move(request), detail::no_reply{}); }

    /// For threads that have no context of their own: hands `request` over and waits for the reply, which a thread that runs the bridge's
    /// context delivers; at most `longest`, then the request is cancelled: it does not run unless it has been started.
    /// Threads: any but workers and those that run the bridge's context. A bridge on an io_context, a thread_pool or a strand of one of these
    /// knows them; on another executor that only this thread runs, and on the thread that drives the worker (caller_drives), the call does not
    /// return before `longest`. Blocks: until the reply. The context must outlive the call.
    /// Fails: `ec` (the form without: throws boost::system::system_error) as async_call; errc::may_not_block; timed_out.
    /// Cost: an allocation, a wake of this thread.
    Response blocking_call(home to, Request request, error_code& ec, std::chrono::nanoseconds longest = std::chrono::nanoseconds::max()) {
        if (!core_->may_block()) {
            ec = core_->refuse(errc::may_not_block);
            return Response{};
        }
        std::promise<std::pair<error_code, Response>> promise;
        auto reply = promise.get_future();
        std::function<void()> cancel;
        const auto refused = begin(*core_, to, terms_, std::move(request),
                                   [p = std::move(promise)](error_code e, Response r) mutable { p.set_value({e, std::move(r)}); },
                                   [&](const auto&, const auto& withdrawal) { cancel = withdrawal; });
        if (refused) {
            ec = *refused;
            return Response{};
        }
        if (longest == std::chrono::nanoseconds::max()) { reply.wait(); }
        else if (reply.wait_for(longest) != std::future_status::ready) {
            cancel();
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
    template <class Handler>
    error_code try_call(home to, const detail::request_terms& terms, Request&& request, Handler&& handler) {
        const auto refused = begin<false>(*core_, to, terms, std::move(request), std::forward<Handler>(handler), connected_to(handler));
        return refused ? error_code(*refused) : error_code();
    }

    port(std::shared_ptr<detail::pool_core> core, detail::request_terms terms) noexcept : core_(std::move(core)), terms_(terms) {}

    /// Starts an operation. Most tokens do so at once, and the port's own pointer is enough; one that keeps it for later (deferred) moves
    /// it, and it then owns the pool.
    class initiation {
    public:
        using executor_type = port::executor_type;

        initiation(const std::shared_ptr<detail::pool_core>& core, detail::request_terms terms) noexcept : core_(&core), terms_(terms) {}
        initiation(const initiation& other) noexcept : owned_(*other.core_), terms_(other.terms_) {}
        initiation(initiation&& other) noexcept
            : owned_(other.core_ == &other.owned_ ? std::move(other.owned_) : *other.core_), terms_(other.terms_) {}
        initiation& operator=(const initiation&) = delete;

        executor_type get_executor() const noexcept { return (*core_)->executor(); }

        template <class Handler>
        void operator()(Handler&& handler, home where, Request&& request) const {
            auto& core = **core_;
            const auto refused = begin(core, where, terms_, std::move(request), std::forward<Handler>(handler), connected_to(handler));
            if (refused) { fail(core, std::forward<Handler>(handler), *refused); }
        }
        template <class Handler>
        void operator()(Handler&& handler, reservation taken, Request&& request) const {
            auto& core = **core_;
            if (!taken) { return fail(core, std::forward<Handler>(handler), taken.error()); }
            if (taken.pool_.get() != &core) { return fail(core, std::forward<Handler>(handler), core.refuse(errc::no_place)); }
            if (!owned_by_this_thread(core, taken)) {
                auto terms = terms_;
                terms.bulk = taken.bulk_;
                const auto refused = begin(core, taken.to_, terms, std::move(request), std::forward<Handler>(handler), connected_to(handler));
                if (refused) { fail(core, std::forward<Handler>(handler), *refused); }
                return;
            }
            start(core, *std::exchange(taken.lane_, nullptr), taken.to_, terms_, std::move(request), std::forward<Handler>(handler), connected_to(handler));
        }

    private:
        std::shared_ptr<detail::pool_core> owned_;
        const std::shared_ptr<detail::pool_core>* core_ = &owned_;
        detail::request_terms terms_;
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

    static lane_type* lane_to(detail::pool_core& core, home to, const detail::request_terms& terms, errc& why) noexcept {
        const auto row = core.lanes(why, terms.bulk);
        if (to.worker < row.size()) { return &static_cast<lane_type&>(*row[to.worker]); }
        if (!row.empty()) { why = errc::no_worker; }
        core.refuse(why);
        return nullptr;
    }
    /// Of the calling thread's lane: a place for start() or the lane's drop(); or why there is none.
    static std::optional<errc> reserve(detail::pool_core& core, lane_type& chosen, home to) noexcept {
        const auto turn = chosen.turn();
        chosen.counters.offered.add();
        if (chosen.reserve()) { return {}; }
        return chosen.refuse_full(*core.worker(to.worker));
    }

    /// Finds a place, or, if it may, somewhere to wait for one. Where it does not, why; nothing was moved then. `connect(worker, cancel)` as start() has it.
    template <bool MayWait = true, class Handler, class Connect>
    static std::optional<errc> begin(detail::pool_core& core, home to, const detail::request_terms& terms, Request&& request, Handler&& handler, Connect&& connect) {
        errc why{};
        auto* const chosen = lane_to(core, to, terms, why);
        if (chosen == nullptr) { return why; }
        const auto& worker = core.worker(to.worker);
        {
            auto turn = chosen->turn();
            chosen->counters.offered.add();
            if (turn.owns_lock() ? chosen->reserve() : chosen->reserve_alone()) {
                try {
                    send(core, *chosen, worker, terms, std::move(request), std::forward<Handler>(handler), connect);
                } catch (...) {
                    if (turn.owns_lock()) { turn.unlock(); }
                    chosen->drop(*worker, core.executor());
                    throw;
                }
                return {};
            }
            if (!MayWait || !chosen->lets_wait()) { return chosen->refuse_full(*worker); }
        }
        if constexpr (MayWait) {
            return chosen->wait(*worker, core.executor(), std::move(request), std::forward<Handler>(handler), detail::steady_ns(), terms,
                                [&](auto withdrawal) { connect(worker, withdrawal); });
        } else {
            detail::unexpected("a call that may not wait, and was not refused");
        }
    }
    /// In a place that was reserved, which it gives back where it throws.
    template <class Handler, class Connect>
    static void start(detail::pool_core& core, lane_type& through, home to, const detail::request_terms& terms, Request&& request, Handler&& handler,
                      Connect&& connect) {
        const auto& worker = core.worker(to.worker);
        try {
            const auto turn = through.turn();
            send(core, through, worker, terms, std::move(request), std::forward<Handler>(handler), connect);
        } catch (...) {
            through.drop(*worker, core.executor());
            throw;
        }
    }
    /// In a reserved place, and in turn.
    template <class Handler, class Connect>
    static void send(detail::pool_core& core, lane_type& through, const std::shared_ptr<detail::worker_core>& worker,
                     const detail::request_terms& terms, Request&& request, Handler&& handler, Connect& connect) {
        const auto sent = submit(core, through, worker, terms, detail::steady_ns(), std::move(request), std::forward<Handler>(handler), connect);
        through.send(*worker, core.executor(), {&sent, 1});
    }
    /// `connect(worker, cancel)` runs before the worker can have the request; cancel() may be called as long as the worker's lanes are there.
    template <class Handler, class Connect>
    static auto submit(detail::pool_core& core, lane_type& through, const std::shared_ptr<detail::worker_core>& worker,
                       const detail::request_terms& terms, std::int64_t now_ns, Request&& request, Handler&& handler, Connect& connect) {
        return through.submit(std::move(request), std::forward<Handler>(handler), core.executor(), now_ns, terms,
                              [&](auto ticket) { connect(worker, [&through, ticket]() noexcept { through.cancel(ticket); }); });
    }

    template <class Handler>
    static void fail(detail::pool_core& core, Handler&& handler, error_code ec) {
        detail::post_failure<std::decay_t<Handler>, Response>(std::forward<Handler>(handler), ec, core.executor());
    }

    static bool owned_by_this_thread(detail::pool_core& core, const reservation& place) noexcept {
        errc why{};
        const auto row = core.lanes(why, place.bulk_);
        return !row.empty() && row[place.to_.worker] == place.lane_;
    }

    /// Connects the cancellation slot of `handler`, if it has one, to what cancels the request.
    template <class Handler>
    static auto connected_to(const Handler& handler) noexcept {
        return [slot = boost::asio::get_associated_cancellation_slot(handler)](const auto& worker, auto cancel) mutable {
            if (!slot.is_connected()) { return; }
            // The worker is kept alive with the cancellation slot: an emission may come after the bridge is gone.
            slot.assign([owner = worker, cancel](boost::asio::cancellation_type type) {
                if (type != boost::asio::cancellation_type::none) { cancel(); }
            });
        };
    }

    std::shared_ptr<detail::pool_core> core_;
    detail::request_terms terms_;
};

}  // namespace numasio
