// A lane: one producer thread, one worker, and the cells that carry requests there and replies back.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/completion.hpp>
#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/slot_list.hpp>

#include <boost/lockfree/policies.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <array>
#include <exception>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

namespace numasio::detail {

/// A request's slot and its reply's reserved place in one.
template <class Request, class Response>
struct cell {
    cell_state state;
    std::int64_t submitted_ns = 0;
    std::uint32_t next = no_slot;  // link in the list that the cell is in
    errc failure{};                // 0: none
    std::optional<Request> request;
    std::optional<Response> reply;
    completion<Response> done;
};

/// A ring of slot numbers in the worker's memory. Boost's ring refuses move-only types; numbers are fine.
using slot_ring = boost::lockfree::spsc_queue<
    std::uint32_t, boost::lockfree::allocator<std::pmr::polymorphic_allocator<std::uint32_t>>>;

/// Way of a slot: free list → producer → requests → worker → replies → control plane → free list.
/// Every ring holds every slot of the lane, so that only taking a free slot can fail.
template <class Request, class Response>
class lane final : public lane_base {
public:
    lane(std::uint32_t capacity, std::pmr::memory_resource& arena)
        : lane_base(capacity), cells_(capacity, &arena), requests_(capacity, &arena), replies_(capacity, &arena) {
        for (std::uint32_t slot = capacity; slot-- > 0;) { give_back(slot); }
    }
    ~lane() override { abandon(); }

    /// Memory that a lane takes from its arena, at most.
    static constexpr std::size_t footprint(std::uint32_t capacity) noexcept {
        return sizeof(lane) + capacity * sizeof(cell<Request, Response>) +
               2 * (std::size_t{capacity} + 1) * sizeof(std::uint32_t) + 4 * alignof(std::max_align_t);
    }

    // --- producer thread --------------------------------------------------------------------------
    /// A free slot or no_slot.
    std::uint32_t acquire() noexcept {
        if (free_ == no_slot) { free_ = freed_.take_all(); }
        const auto slot = free_;
        if (slot != no_slot) { free_ = cells_[slot].next; }
        return slot;
    }

    /// Fills the acquired slot; returns the generation that cancel() takes.
    /// Fails: what storing the handler or moving the request throws; the slot stays acquired then.
    template <class Handler>
    std::uint64_t fill(std::uint32_t slot, Request&& request, Handler&& handler,
                       const asio::any_io_executor& home, std::int64_t now_ns) {
        auto& c = cells_[slot];
        c.done.emplace(std::forward<Handler>(handler), home);
        c.request.emplace(std::move(request));
        c.submitted_ns = now_ns;
        c.failure = {};
        return c.state.generation();
    }
    /// Hands the filled slot to the worker. Never fails.
    void publish(std::uint32_t slot) noexcept {
        counters.accepted.add();
        cells_[slot].state.publish();  // from here on a stop may take the cell
        requests_.push(slot);
    }

    /// Any thread: an acquired slot that will not be published, filled or not.
    void drop(std::uint32_t slot) noexcept {
        counters.returned.fetch_add(1, std::memory_order_relaxed);
        cells_[slot].done.destroy();
        cells_[slot].request.reset();
        give_back(slot);
    }

    /// The caller's cancellation: the request will not run if it has not been started.
    void cancel(std::uint32_t slot, std::uint64_t generation) noexcept { cells_[slot].state.try_cancel(generation); }

    /// After submit() when the intake turned out to be closed: true if the request was taken back, to be
    /// delivered with errc::stopped; false if the worker has it.
    bool revoke(std::uint32_t slot) noexcept {
        if (!cells_[slot].state.try_stop()) { return false; }
        complete_elsewhere(slot);
        return true;
    }

    // --- worker -----------------------------------------------------------------------------------
    /// Serves at most one batch; returns how many requests it took.
    template <class Service>
    std::size_t serve(Service& service, serve_context& context) noexcept {
        std::array<std::uint32_t, batch> taken;
        const std::size_t n = requests_.pop(taken.data(), batch);
        if (n == 0) { return 0; }
        std::size_t finished = 0;
        for (std::size_t i = 0; i < n; ++i) {
            if (run(service, cells_[taken[i]], context)) { taken[finished++] = taken[i]; }
        }
        replies_.push(taken.data(), finished);
        return n;
    }

    // --- control plane, one thread at a time --------------------------------------------------------
    std::size_t deliver(std::size_t limit, delivery& going) override {
        std::size_t n = 0;
        for (std::uint32_t slot = no_slot; n < limit && next_reply(slot); ++n) { deliver_one(slot, going); }
        return n;
    }
    bool has_replies() const noexcept override {
        // Not late_: that is the drain's own, and this look may run beside the next drain ([drain-2]). A drain
        // that found nothing has emptied it.
        return !completed_elsewhere_.empty() || replies_.read_available() != 0;
    }

    std::uint64_t stop_queued() noexcept override {
        std::uint64_t n = 0;
        for (std::uint32_t slot = 0; slot < capacity(); ++slot) { n += revoke(slot) ? 1 : 0; }
        return n;
    }
    std::uint64_t abandon() noexcept override {
        std::uint64_t n = 0;
        for (auto& c : cells_) {
            if (c.done) {
                c.done.destroy();
                ++n;
            }
        }
        return n;
    }

private:
    /// True if the worker must return the cell.
    template <class Service>
    bool run(Service& service, cell<Request, Response>& c, serve_context& context) noexcept {
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
    void fail(cell<Request, Response>& c, serve_context& context, const char* what) noexcept {
        c.failure = errc::service_failed;
        counters.failed.add();
        context.note_failure(what);
    }
    bool refuse(cell<Request, Response>& c) noexcept {
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

    void give_back(std::uint32_t slot) noexcept {
        freed_.push(slot, [this](std::uint32_t s) -> std::uint32_t& { return cells_[s].next; });
    }
    void complete_elsewhere(std::uint32_t slot) noexcept {
        counters.stopped.fetch_add(1, std::memory_order_relaxed);
        completed_elsewhere_.push(slot, [this](std::uint32_t s) -> std::uint32_t& { return cells_[s].next; });
    }

    bool next_reply(std::uint32_t& slot) noexcept {
        if (late_ == no_slot) { late_ = completed_elsewhere_.take_all(); }
        if (late_ != no_slot) {
            slot = late_;
            late_ = cells_[slot].next;
            return true;
        }
        return replies_.pop(slot);
    }

    void deliver_one(std::uint32_t slot, delivery& going) {
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
        c.done.deliver(ec, std::move(response), going.abandoned(), [this, &c, slot]() noexcept {
            c.request.reset();
            c.reply.reset();
            c.state.recycle();
            give_back(slot);
        });
    }

    std::pmr::vector<cell<Request, Response>> cells_;

    // Producer.
    alignas(64) std::uint32_t free_ = no_slot;
    // Producer → worker, worker → control plane; each ring separates its own two indices.
    alignas(64) slot_ring requests_;
    alignas(64) slot_ring replies_;
    // Back to the producer; completed by a stop.
    alignas(64) slot_list freed_;
    slot_list completed_elsewhere_;
    // Control plane.
    std::uint32_t late_ = no_slot;
};

}  // namespace numasio::detail
