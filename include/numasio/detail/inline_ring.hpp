// A lane's ring whose places are the cells themselves: one cache line carries a small request, its state, and its reply.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/lane_credit.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace numasio::detail {

/// Requests go round in order: producer, worker and drain each follow with a cursor of their own and tell by a cell's state whether it is
/// theirs. There is no index that they share. A cell has a `state`, of its `state_type`, a basic_cell_state.
/// Threads: one producer, one worker, one drain at a time; stop_queued() and revoke() any.
template <class Atomics, class Cell>
class basic_inline_ring {
public:
    using cell_type = Cell;

    template <class Arena>
    basic_inline_ring(Cell* cells, std::uint32_t capacity, Arena&) noexcept : cells_(cells), capacity_(capacity), credit_(capacity) {}
    static constexpr std::size_t footprint(std::uint32_t) noexcept { return 0; }  // beside the cells

    // --- producer -----------------------------------------------------------------------------------
    bool reserve() noexcept { return credit_.take(); }
    void drop() noexcept { credit_.drop(); }  // any thread
    /// The slot of the next request, for who has reserved a place; the same until it is published.
    std::uint32_t claim() const noexcept { return head_; }
    void publish(std::uint32_t slot) noexcept {
        cells_[slot].state.publish();
        head_ = after(slot);
    }

    // --- worker -------------------------------------------------------------------------------------
    /// Calls `serve(slot, tell)` for up to `limit` requests in their order, which ends each; returns how many. `tell()` lets the drain have
    /// what has ended until then, before the last one has.
    template <class Serve>
    std::size_t consume(std::size_t limit, Serve&& serve) noexcept {
        std::size_t n = 0;
        // A cell of another round is one that the drain has not come to yet.
        for (; n < limit && cells_[next_].state.is_published(round_); ++n) {
            const auto slot = next_;
            next_ = after(slot);
            if (next_ == 0) { round_ = Cell::state_type::generation_after(round_); }
            serve(slot, [] {});  // the drain sees each as it ends
        }
        return n;
    }

    // --- any thread, once the intake is closed ---------------------------------------------------------
    /// Takes a published request back; true if this call did.
    bool revoke(std::uint32_t slot) noexcept {
        if (!cells_[slot].state.try_stop()) { return false; }
        // The drain no longer finds ends in order: a worker may be stuck in an earlier one.
        out_of_order_.store(1, Atomics::release);
        return true;
    }

    // --- drain --------------------------------------------------------------------------------------
    /// Calls `deliver(slot)` for up to `limit` requests that have ended; it must recycle() the slot, and may throw after that.
    template <class Deliver>
    std::size_t take_ended(std::size_t limit, Deliver&& deliver) {
        if (out_of_order_.load(Atomics::acquire) != 0) { return take_anywhere(limit, deliver); }
        std::size_t n = 0;
        for (; n < limit && cells_[oldest_].state.has_ended(); ++n) {
            const auto slot = oldest_;
            oldest_ = after(slot);
            deliver(slot);
        }
        return n;
    }
    bool has_ended() const noexcept {
        if (out_of_order_.load(Atomics::acquire) == 0) { return cells_[oldest_].state.has_ended(); }
        return std::any_of(cells_, cells_ + capacity_, [](const Cell& c) { return c.state.has_ended(); });
    }
    void recycle(std::uint32_t slot, bool /*by_producer*/) noexcept {
        cells_[slot].state.recycle();
        // Behind a request that does not end no place comes back: the producer's cursor could have come round to it. Nobody needs one, but
        // for a call that began before the intake was closed, and finds the lane full.
        if (out_of_order_.load(Atomics::relaxed) == 0) { credit_.recycle(); }
    }

private:
    template <class Deliver>
    std::size_t take_anywhere(std::size_t limit, Deliver&& deliver) {
        std::size_t n = 0;
        for (std::uint32_t slot = 0; slot < capacity_ && n < limit; ++slot) {
            if (!cells_[slot].state.has_ended()) { continue; }
            ++n;
            deliver(slot);
        }
        return n;
    }
    std::uint32_t after(std::uint32_t slot) const noexcept { return slot + 1 == capacity_ ? 0 : slot + 1; }

    Cell* const cells_;
    const std::uint32_t capacity_;
    // Producer.
    alignas(64) std::uint32_t head_ = 0;
    basic_lane_credit<Atomics> credit_;
    // Worker.
    alignas(64) std::uint32_t next_ = 0;
    std::uint64_t round_ = 0;  // its generation
    // Drain.
    alignas(64) std::uint32_t oldest_ = 0;
    typename Atomics::template atomic<std::uint32_t> out_of_order_{0};  // by who revokes
};

template <class Cell>
using inline_ring = basic_inline_ring<std_atomics, Cell>;

}  // namespace numasio::detail
