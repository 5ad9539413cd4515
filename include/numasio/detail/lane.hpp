// A lane: one producer thread, one worker, and the cells that carry requests there and replies back.
#pragma once

#include <numasio/detail/cell.hpp>
#include <numasio/detail/completion.hpp>
#include <numasio/detail/indexed_ring.hpp>
#include <numasio/detail/inline_ring.hpp>
#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/request_terms.hpp>
#include <numasio/detail/waiting_call.hpp>
#include <numasio/detail/work_hold.hpp>
#include <numasio/detail/worker_core.hpp>

#include <boost/asio/error.hpp>

#include <exception>
#include <list>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio::detail {

/// The ring that suits the cells' size (docs/decisions/0008-two-rings.md).
inline constexpr std::size_t largest_inline_cell = 64;
template <class Request, class Response>
using ring_for = std::conditional_t<sizeof(cell<Request, Response>) <= largest_inline_cell, inline_ring<cell<Request, Response>>,
                                    indexed_ring<linked_cell<Request, Response>>>;

template <class Request, class Response, class Ring = ring_for<Request, Response>>
class lane final : public lane_base {
    using cell_type = typename Ring::cell_type;

    /// Frees a cell whose reply is on its way.
    struct vacating {
        lane* self;
        cell_type* c;
        std::uint32_t slot;
        bool by_producer;
        void operator()() const noexcept {
            reset(c->request);
            reset(c->reply);
            self->ring_.recycle(slot, by_producer && !self->line_.stands());
        }
    };
    using completion_type = completion<Response, vacating>;

public:
    using request_type = Request;
    using response_type = Response;

    lane(std::uint32_t capacity, std::pmr::memory_resource& arena)
        : lane_base(capacity), cells_(Ring::cells_for(capacity), &arena), waiting_(cells_.size(), &arena), ring_(cells_.data(), capacity, arena) {}
    ~lane() override { abandon(false); }

    /// Memory that a lane takes from its arena, at most.
    static constexpr std::size_t footprint(std::uint32_t capacity) noexcept {
        return sizeof(lane) + Ring::cells_for(capacity) * (sizeof(cell_type) + sizeof(completion_type)) + Ring::footprint(capacity) +
               alignof(cell_type) + 2 * alignof(std::max_align_t);
    }

    // --- producer thread --------------------------------------------------------------------------
    /// Room for one more request? Each place that was reserved is used by submit(), or given back by drop().
    /// Nobody overtakes those who wait for one.
    bool reserve() noexcept { return !line_.stands() && ring_.reserve(); }
    /// The same for who is_alone().
    bool reserve_alone() noexcept { return ring_.reserve(); }

    /// In a reserved place; returns what later calls need. `connect(ticket)` runs before the worker can have it.
    /// Fails: what storing the handler, moving the request or connecting throws; the place stays reserved then.
    template <class Handler, class Connect>
    ticket submit(Request&& request, Handler&& handler, const asio::any_io_executor& home, std::int64_t now_ns, const request_terms& terms,
                  Connect&& connect) {
        const auto mine = ring_.claim();
        auto& c = cells_[mine.slot];
        try {
            // The request first: where its move throws, the handler is still its owner's to destroy, who may call the port from there.
            c.request.emplace(std::move(request));
            if constexpr (asks<Handler>) { waiting_[mine.slot].emplace(std::forward<Handler>(handler), home); }
            connect(mine);
        } catch (...) {
            waiting_[mine.slot].destroy();
            c.request.reset();
            throw;
        }
        c.submitted_ns = now_ns;
        c.limit = terms.limit;
        c.flags = terms.as_asked(asks<Handler>);
        c.end = ending::none;
        counters.accepted.add();
        ring_.publish(mine);  // from here on a stop may take the cell
        return mine;
    }

    /// After submit(): the worker comes to know of them, and `home` does not run out of work before their replies are delivered.
    void send(worker_core& worker, const asio::any_io_executor& home, std::span<const ticket> submitted) noexcept {
        worker.announce(*this);
        work_.take(work_side{*this, home, worker.bell});
        // [close-1] Pairs with [close-2]: announce() fenced between the push and this look. Either the worker's last
        // sweep sees the requests, or we see the closing and take them back (or find that the worker has them).
        if (worker.closing.load(std::memory_order_relaxed)) { take_back(worker, submitted); }
    }

    /// Any thread: a reserved place that will not be used.
    void drop(worker_core& worker, const asio::any_io_executor& home) noexcept {
        counters.returned.fetch_add(1, std::memory_order_relaxed);
        ring_.drop();
        admit_waiting(worker, home);
    }

    /// Producer whom reserve() refused, and who does not wait. What fills the lane may be calls that nobody has announced (call_batch).
    errc refuse_full(worker_core& worker) noexcept {
        counters.rejected.add();
        worker.announce(*this);
        return errc::lane_full;
    }

    // --- when_full: wait --------------------------------------------------------------------------
    /// Cancels a call that waits, or has waited.
    struct withdrawal {
        lane* from;
        std::shared_ptr<call_whereabouts<lane>> of;
        void operator()() const noexcept { from->withdraw(*of); }
    };
    /// Producer whom reserve() refused: lets the call wait for a place. Where it does not, why; nothing was moved then.
    /// `connect(withdrawal)` runs before the call can end. Fails: what allocating, moving and connecting throws.
    template <class Handler, class Connect>
    std::optional<errc> wait(worker_core& worker, const asio::any_io_executor& home, Request&& request, Handler&& handler, std::int64_t now_ns,
                    request_terms terms, Connect&& connect) {
        using call_type = waiting_call_of<lane, std::decay_t<Handler>>;
        std::unique_lock lock(turns_);
        // [close-4] After closing the intake a stop takes the lock and ends who waits.
        if (worker.closing.load(std::memory_order_relaxed)) { return refuse_to_wait(errc::stopped); }
        if (in_line_.size() >= most_waiting) { return refuse_to_wait(errc::lane_full); }
        call_type* call = nullptr;
        try {
            call = call_type::make(std::move(request), std::forward<Handler>(handler), home, now_ns, terms);
            call->whereabouts = std::make_shared<call_whereabouts<lane>>();
            call->whereabouts->in_line = in_line_.insert(in_line_.end(), call);
            connect(withdrawal{this, call->whereabouts});
        } catch (...) {
            counters.withdrawn.add();
            if (call != nullptr && !in_line_.empty() && in_line_.back() == call) { in_line_.pop_back(); }
            lock.unlock();
            if (call != nullptr) { call->destroy(); }
            throw;
        }
        count_line();
        if (!line_.stands()) { line_.form(); }
        worker.announce(*this);  // as in refuse_full()
        const auto lost = admit(worker, home);
        lock.unlock();
        fail_all(lost, errc::request_lost);
        return {};
    }
    void stop_waiting() noexcept override {
        std::unique_lock lock(turns_);
        const auto ended = take_line();
        counters.withdrawn.add(ended.size());
        lock.unlock();
        fail_all(ended, errc::stopped);
    }

    /// The caller's cancellation: the request will not run if it has not been started.
    void cancel(ticket which) noexcept { cells_[which.slot].state.try_cancel(which.turn); }

    [[gnu::noinline, gnu::cold]] void take_back(worker_core& worker, std::span<const ticket> submitted) noexcept {
        std::size_t revoked = 0;
        for (const auto& one : submitted) { revoked += is_current(one) && revoke(one.slot) ? 1 : 0; }
        if (revoked != 0) { worker.completed_elsewhere(*this); }
    }
    /// By the producer: its cell has not been used again since.
    bool is_current(ticket one) const noexcept { return cells_[one.slot].state.turn() == one.turn; }

    /// After submit() when the intake turned out to be closed: true if the request was taken back, to be
    /// delivered with errc::stopped; false if the worker has it.
    bool revoke(std::uint32_t slot) noexcept {
        if (!ring_.revoke(slot)) { return false; }
        counters.stopped.fetch_add(1, std::memory_order_relaxed);
        return true;
    }

    // --- worker -----------------------------------------------------------------------------------
    /// Serves at most one batch; returns how many requests it took.
    template <class Service>
    std::size_t serve(Service& service, serve_context& context) noexcept {
        queue_look look;
        const auto n = ring_.consume(batch, [&](ticket one, auto tell) { return run(service, one, context, look, tell); }, [&] { context.batch_ends(); });
        if (n != 0) { found_queued(look, n); }
        return n;
    }

    // --- control plane, one thread at a time --------------------------------------------------------
    std::size_t deliver(std::size_t limit, delivery& going) override {
        // Mostly the thread that asked is the one that is answered.
        const bool own = producer.load(std::memory_order_relaxed) == going.thread();
        const auto n = ring_.take_ended(limit, going.looks_closely() || few_are_due(), [&](std::uint32_t slot) { deliver_one(slot, own, going); });
        admit_waiting(going.worker(), going.home());
        if (!is_due()) { work_.release(work_side{*this, going.home(), going.worker().bell}); }
        return n;
    }

    bool has_replies() const noexcept override { return ring_.has_ended(few_are_due()); }

    std::uint64_t stop_queued() noexcept override {
        std::uint64_t n = 0;
        for (std::uint32_t slot = 0; slot < cells_.size(); ++slot) { n += revoke(slot) ? 1 : 0; }
        return n;
    }
    void fail_rest(delivery& going) override {
        for (auto& asked : waiting_) {
            if (asked) { asked.fail(errc::outcome_unknown, going.abandoned()); }
        }
    }
    std::uint64_t abandon(bool in_child) noexcept override {
        std::uint64_t n = 0;
        for (auto& done : waiting_) {
            if (done) {
                done.destroy();
                ++n;
            }
        }
        auto lock = in_child ? std::unique_lock(turns_, std::try_to_lock) : std::unique_lock(turns_);
        const auto never_had_one = lock.owns_lock() ? take_line() : std::list<waiting_call<lane>*>();
        if (lock.owns_lock()) { lock.unlock(); }
        for (auto* call : never_had_one) { call->destroy(); }
        n += never_had_one.size();
        work_.settle();
        held_.reset();
        return n;
    }

private:
    /// True if this ended the cell. `tell` as the ring has it.
    template <class Service, class Tell>
    bool run(Service& service, ticket one, serve_context& context, queue_look& look, Tell& tell) noexcept {
        auto& c = cells_[one.slot];
        if (context.owes_replies()) {
            if constexpr (!Ring::shows_ends) { tell(); }
            context.send_replies();
        }
        const bool started = !context.aborted() && c.state.try_run(one.turn);
        if (!started || c.flags.has_asker) { context.owes_reply(*this); }
        if (!started) {
            look_again(look, steady_ns());  // and not into the cell, which may be another's by now
            return refuse(c, one.turn);
        }
        const bool is_timed = c.flags.has_asker || c.limit != 0 || overload || keep != no_limit;
        const auto now = is_timed ? context.call_begins() : context.post_begins(c.submitted_ns);
        look.saw(c.submitted_ns, now);
        look_again(look, now);
        if (context.is_to_tell(now)) { tell(); }
        if (is_timed) {
            const auto waited = now - c.submitted_ns;
            const bool shed = overload && sheds(waited, now);
            if (c.flags.lossy && keep != no_limit && queued() > keep) { return end_unrun(c, one.turn, ending::dropped, counters.dropped); }
            if (is_past(c.limit, waited)) { return end_unrun(c, one.turn, ending::expired, counters.expired); }
            if (shed && !c.flags.essential) { return end_unrun(c, one.turn, ending::shed, counters.shed); }
            context.queue_delay.record(waited);
        }
        try {
            c.reply.emplace(service(std::move(*c.request)));
            c.end = ending::served;
        } catch (const std::exception& e) {
            fail(c, context, e.what());
        } catch (...) {
            fail(c, context, "not a std::exception");
        }
        reset(c.request);
        counters.ran.add();
        c.state.finish(one.turn);
        return true;
    }
    /// A request with none behind it stands in no queue, whatever it waited for.
    bool sheds(std::int64_t waited, std::int64_t now) noexcept { return overload->sheds(queued() > 1 ? waited : 0, now); }
    void fail(cell_type& c, serve_context& context, const char* what) noexcept {
        c.end = ending::failed;
        counters.failed.add();
        context.note_failure(what);
    }
    bool end_unrun(cell_type& c, std::uint64_t turn, ending how, single_writer_counter& counted) noexcept {
        c.end = how;
        counted.add();
        c.state.finish(turn);
        return true;
    }
    bool refuse(cell_type& c, std::uint64_t turn) noexcept {
        if (c.state.try_return_cancelled(turn)) {
            counters.cancelled.add();
            return true;
        }
        if (c.state.try_stop()) { // past the deadline of a stop
            counters.stopped.fetch_add(1, std::memory_order_relaxed);
            return true;
        }
        return false;  // stopped by somebody else, who completes it
    }

    /// The lane as work_hold sees it.
    struct work_side {
        lane& self;
        const asio::any_io_executor& home;
        parker& bell;
        void begin() noexcept { self.held_.emplace(home); }
        void end() noexcept { self.held_.reset(); }
        bool due() const noexcept { return self.is_due(); }
        void fence() noexcept { bell.fence(); }
    };

    /// So few that the next reply is waited for, and the worker will not be at many others: the cell itself says the soonest that it is there.
    bool few_are_due() const noexcept { return on_its_way() <= 4; }

    void deliver_one(std::uint32_t slot, bool own, delivery& going) {
        auto& c = cells_[slot];
        counters.delivered.add();
        const vacating vacate{this, &c, slot, own};
        if (!c.flags.has_asker) { return vacate(); }  // by the cell, which is here already
        auto& asked = waiting_[slot];
        if (c.end == ending::served) {
            going.was_submitted(c.submitted_ns);
            return asked.deliver(error_code(), std::move(*c.reply), going.abandoned(), vacate);
        }
        asked.deliver(why_not_served(c), Response{}, going.abandoned(), vacate);
    }

    // --- who waits: all with the lock -----------------------------------------------------------------
    errc refuse_to_wait(errc why) noexcept {
        counters.rejected.add();
        return why;
    }
    void count_line() noexcept { counters.waiting.store(in_line_.size(), std::memory_order_relaxed); }

    /// Any thread that has given places back, or may have.
    void admit_waiting(worker_core& worker, const asio::any_io_executor& home) noexcept {
        if (!lets_wait() || !line_.has_heard()) { return; }
        std::unique_lock lock(turns_);
        const auto lost = admit(worker, home);
        lock.unlock();
        fail_all(lost, errc::request_lost);
    }
    /// Acts as the producer. Returns calls whose request could not be moved, to be failed without the lock: that runs code of the caller's.
    std::list<waiting_call<lane>*> admit(worker_core& worker, const asio::any_io_executor& home) noexcept {
        std::list<waiting_call<lane>*> lost;
        while (!in_line_.empty() && ring_.reserve()) {
            auto* const call = in_line_.front();
            const auto known = call->whereabouts;
            auto work = std::exchange(call->bridge_work, std::nullopt);  // until the lane holds it
            std::list<waiting_call<lane>*> taken;
            taken.splice(taken.begin(), in_line_, in_line_.begin());
            known->now = call_whereabouts<lane>::ended;
            try {
                known->ticket = call->enter(*this, home);
                known->now = call_whereabouts<lane>::entered;
            } catch (...) {
                ring_.drop();
                counters.withdrawn.add();
                call->bridge_work = std::move(work);
                lost.splice(lost.end(), taken);
                continue;
            }
            send(worker, home, {&known->ticket, 1});
        }
        count_line();
        if (in_line_.empty()) { line_.dissolve(); }
        return lost;
    }
    static void fail_all(const std::list<waiting_call<lane>*>& calls, error_code why) noexcept {
        for (auto* call : calls) { call->fail(why); }
    }
    void withdraw(call_whereabouts<lane>& of) noexcept {
        std::unique_lock lock(turns_);
        using where = call_whereabouts<lane>;
        if (of.now == where::entered) { return cancel(of.ticket); }
        if (of.now != where::waiting) { return; }
        auto* const call = *of.in_line;
        in_line_.erase(of.in_line);
        of.now = where::ended;
        counters.withdrawn.add();
        count_line();
        if (in_line_.empty()) { line_.dissolve(); }
        lock.unlock();
        call->fail(asio::error::operation_aborted);
    }
    std::list<waiting_call<lane>*> take_line() noexcept {
        for (auto* call : in_line_) { call->whereabouts->now = call_whereabouts<lane>::ended; }
        auto all = std::move(in_line_);
        in_line_.clear();
        count_line();
        line_.dissolve();
        return all;
    }

    std::pmr::vector<cell_type> cells_;  // in the worker's memory
    std::pmr::vector<completion_type> waiting_;  // of the same slots, apart: the worker does not look at them

    Ring ring_;
    std::list<waiting_call<lane>*> in_line_;
    // Control plane.
    work_hold work_;
    std::optional<tracked_executor<asio::any_io_executor>> held_;  // by whom work_ lets
};

}  // namespace numasio::detail
