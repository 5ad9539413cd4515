// A lane: one producer thread, one worker, and the cells that carry requests there and replies back.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/completion.hpp>
#include <numasio/detail/indexed_ring.hpp>
#include <numasio/detail/inline_ring.hpp>
#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/work_hold.hpp>

#include <boost/asio/error.hpp>

#include <exception>
#include <memory_resource>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio::detail {

/// A request's slot and its reply's reserved place in one. Cache lines of its own: they travel between two cores.
template <class Request, class Response>
struct alignas(64) cell {
    using state_type = cell_state;
    state_type state;
    std::int64_t submitted_ns = 0;
    std::uint32_t next = no_slot;  // indexed_ring: link in the list that the cell is in
    errc failure{};                // 0: none
    std::optional<Request> request;
    std::optional<Response> reply;
};

/// The ring that suits the cells' size (docs/decisions/0008-two-rings.md).
inline constexpr std::size_t largest_inline_cell = 64;
template <class Cell>
using ring_for = std::conditional_t<sizeof(Cell) <= largest_inline_cell, inline_ring<Cell>, indexed_ring<Cell>>;

template <class Request, class Response, class Ring = ring_for<cell<Request, Response>>>
class lane final : public lane_base {
    using cell_type = cell<Request, Response>;

public:
    lane(std::uint32_t capacity, std::pmr::memory_resource& arena)
        : lane_base(capacity), cells_(capacity, &arena), waiting_(capacity, &arena), ring_(cells_.data(), capacity, arena) {}
    ~lane() override { abandon(); }

    /// Memory that a lane takes from its arena, at most.
    static constexpr std::size_t footprint(std::uint32_t capacity) noexcept {
        return sizeof(lane) + capacity * (sizeof(cell_type) + sizeof(completion<Response>)) + Ring::footprint(capacity) +
               alignof(cell_type) + 2 * alignof(std::max_align_t);
    }

    // --- producer thread --------------------------------------------------------------------------
    /// Room for one more request? Each place that was reserved is used by submit(), or given back by drop().
    bool reserve() noexcept { return ring_.reserve(); }

    /// What cancel() and revoke() take.
    struct ticket {
        std::uint32_t slot;
        std::uint64_t generation;
    };
    /// In a reserved place; returns what later calls need. `connect(ticket)` runs before the worker can have it.
    /// Fails: what storing the handler, moving the request or connecting throws; the place stays reserved then.
    template <class Handler, class Connect>
    ticket submit(Request&& request, Handler&& handler, const asio::any_io_executor& home, std::int64_t now_ns, Connect&& connect) {
        const auto slot = ring_.claim();
        auto& c = cells_[slot];
        const ticket mine{slot, c.state.generation()};
        try {
            // The request first: where its move throws, the handler is still its owner's to destroy, who may call the port from there.
            c.request.emplace(std::move(request));
            waiting_[slot].emplace(std::forward<Handler>(handler), home);
            connect(mine);
        } catch (...) {
            waiting_[slot].destroy();
            c.request.reset();
            throw;
        }
        c.submitted_ns = now_ns;
        c.failure = {};
        counters.accepted.add();
        ring_.publish(slot);  // from here on a stop may take the cell
        return mine;
    }

    /// After the fence that follows publish(): `home` does not run out of work before the reply is delivered.
    void hold_work(const asio::any_io_executor& home, parker& bell) noexcept { work_.take(work_side{*this, home, bell}); }

    /// Any thread: a reserved place that will not be used.
    void drop() noexcept {
        counters.returned.fetch_add(1, std::memory_order_relaxed);
        ring_.drop();
    }

    /// The caller's cancellation: the request will not run if it has not been started.
    void cancel(ticket which) noexcept { cells_[which.slot].state.try_cancel(which.generation); }

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
        return ring_.consume(batch, [&](std::uint32_t slot) { return run(service, cells_[slot], context); });
    }

    // --- control plane, one thread at a time --------------------------------------------------------
    std::size_t deliver(std::size_t limit, delivery& going) override {
        // Mostly the thread that asked is the one that is answered.
        const bool own = producer.load(std::memory_order_relaxed) == going.thread();
        const auto n = ring_.take_ended(limit, [&](std::uint32_t slot) { deliver_one(slot, own, going); });
        if (!is_due()) { work_.release(work_side{*this, going.home(), going.bell()}); }
        return n;
    }

    bool has_replies() const noexcept override { return ring_.has_ended(); }

    std::uint64_t stop_queued() noexcept override {
        std::uint64_t n = 0;
        for (std::uint32_t slot = 0; slot < capacity(); ++slot) { n += revoke(slot) ? 1 : 0; }
        return n;
    }
    std::uint64_t abandon() noexcept override {
        std::uint64_t n = 0;
        for (auto& done : waiting_) {
            if (done) {
                done.destroy();
                ++n;
            }
        }
        held_.reset();
        return n;
    }

private:
    /// True if this ended the cell.
    template <class Service>
    bool run(Service& service, cell_type& c, serve_context& context) noexcept {
        if (context.aborted() || !c.state.try_run()) { return refuse(c); }
        context.queue_delay.record(context.call_begins() - c.submitted_ns);
        try {
            c.reply.emplace(service(std::move(*c.request)));
        } catch (const std::exception& e) {
            fail(c, context, e.what());
        } catch (...) {
            fail(c, context, "not a std::exception");
        }
        c.request.reset();
        counters.ran.add();
        c.state.finish();
        return true;
    }
    void fail(cell_type& c, serve_context& context, const char* what) noexcept {
        c.failure = errc::service_failed;
        counters.failed.add();
        context.note_failure(what);
    }
    bool refuse(cell_type& c) noexcept {
        if (c.state.try_return_cancelled()) {
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

    void deliver_one(std::uint32_t slot, bool own, delivery& going) {
        auto& c = cells_[slot];
        error_code ec;
        switch (c.state.get()) {
            case cell_state::stopped: ec = errc::stopped; break;
            case cell_state::done:
                if (c.request) { ec = asio::error::operation_aborted; }  // cancelled: never ran
                else if (c.failure != errc{}) { ec = c.failure; }
                else { going.record(c.submitted_ns); }
                break;
            default: unexpected("a reply whose cell is neither done nor stopped");
        }
        Response response = c.reply ? std::move(*c.reply) : Response{};
        counters.delivered.add();
        waiting_[slot].deliver(ec, std::move(response), going.abandoned(), [this, &c, slot, own]() noexcept {
            c.request.reset();
            c.reply.reset();
            ring_.recycle(slot, own);
        });
    }

    std::pmr::vector<cell_type> cells_;  // in the worker's memory
    std::pmr::vector<completion<Response>> waiting_;  // of the same slots, apart: the worker does not look at them

    Ring ring_;
    // Control plane.
    work_hold work_;
    std::optional<tracked_executor<asio::any_io_executor>> held_;  // by whom work_ lets
};

}  // namespace numasio::detail
