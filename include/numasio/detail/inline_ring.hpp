// A lane's ring whose places are the cells themselves: one cache line carries a small request, its state, and its reply.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/lane_credit.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace numasio::detail {

/// Requests go round in order: producer, worker and drain each follow with the turn that they are at. The worker tells by a cell's state whether
/// it is its. To the drain it says up to which turn all have ended, now and then: one that looked at the cells would take them from a worker that is
/// about to write them (docs/decisions/0010-dense-streams.md). A cell has a `state`, of its `state_type`, a basic_cell_state.
/// Threads: one producer, one worker, one drain at a time; revoke() any.
template <class Atomics, class Cell>
class basic_inline_ring {
    using state = typename Cell::state_type;

public:
    using cell_type = Cell;

    /// Who looks closely finds what has ended although the worker has not told of it.
    static constexpr bool shows_ends = true;

    /// As many cells as `capacity` places need: a power of two, so that a turn's last bits say which cell it is.
    static constexpr std::uint32_t cells_for(std::uint32_t capacity) noexcept { return std::bit_ceil(capacity); }

    template <class Arena>
    basic_inline_ring(Cell* cells, std::uint32_t capacity, Arena&) noexcept : cells_(cells), last_(cells_for(capacity) - 1), credit_(capacity) {}
    static constexpr std::size_t footprint(std::uint32_t) noexcept { return 0; }  // beside the cells

    // --- producer -----------------------------------------------------------------------------------
    bool reserve() noexcept { return credit_.take(); }
    void drop() noexcept { credit_.drop(); }  // any thread
    /// The next request, for who has reserved a place; the same until it is published.
    ticket claim() const noexcept { return at(head_); }
    void publish(ticket one) noexcept {
        cells_[one.slot].state.publish(one.turn);
        head_ = state::turn_after(one.turn);
    }

    // --- worker -------------------------------------------------------------------------------------
    /// Calls `serve(ticket, tell)` for up to `limit` requests in their order, which ends each; returns how many. `tell()` lets the drain have
    /// what has ended until then, before the last one has; before it may have all, `all_served()` is called.
    template <class Serve, class AllServed = nothing>
    std::size_t consume(std::size_t limit, Serve&& serve, AllServed&& all_served = {}) noexcept {
        std::size_t n = 0;
        // A cell of another turn is one that the drain has not come to yet.
        for (auto one = at(next_); n < limit && cells_[one.slot].state.is_published(one.turn); one = at(next_), ++n) {
            next_ = state::turn_after(one.turn);
            serve(one, [this, one] { tell(one.turn); });
        }
        if (n != 0) {
            all_served();
            tell(next_);
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
    /// Calls `deliver(slot)` for up to `limit` requests that have ended; it must recycle() the slot, and may throw after that. `closely`: by
    /// their cells' words, also those that the worker has not told of; a worker that is at many pays for that with the cell that it is at.
    template <class Deliver>
    std::size_t take_ended(std::size_t limit, bool closely, Deliver&& deliver) {
        if (out_of_order_.load(Atomics::acquire) != 0) { return take_anywhere(limit, deliver); }
        const auto told = closely ? 0 : ended_to_.load(Atomics::acquire);
        std::size_t n = 0;
        for (auto one = at(oldest_); n < limit && (one.turn < told || (closely && cells_[one.slot].state.has_ended_since(one.turn))); one = at(oldest_), ++n) {
            oldest_ = state::turn_after(one.turn);
            deliver(one.slot);
        }
        return n;
    }
    bool has_ended(bool closely) const noexcept {
        if (out_of_order_.load(Atomics::acquire) == 0) {
            return closely ? cells_[at(oldest_).slot].state.has_ended_since(oldest_) : oldest_ < ended_to_.load(Atomics::acquire);
        }
        // Only so many: take_ended() looks at all, and goes on where it was.
        for (std::uint32_t n = 0; n <= last_ && n < most_looked_at; ++n) {
            if (cells_[(look_at_ + n) & last_].state.has_ended_since(oldest_)) { return true; }
        }
        return false;
    }
    void recycle(std::uint32_t slot, bool /*by_producer*/) noexcept {
        // Behind a request that does not end no place comes back: the producer could have come round to it. Nobody needs one, but
        // for a call that began before the intake was closed, and finds the lane full.
        if (out_of_order_.load(Atomics::relaxed) != 0) { return cells_[slot].state.set_free(); }
        credit_.recycle();
    }

private:
    static constexpr std::uint32_t most_looked_at = 64;

    /// The drain may have the requests before that one.
    void tell(std::uint64_t turn) noexcept { ended_to_.store(turn, Atomics::release); }

    template <class Deliver>
    std::size_t take_anywhere(std::size_t limit, Deliver&& deliver) {
        std::size_t n = 0;
        for (std::uint32_t looked = 0; looked <= last_ && n < limit; ++looked) {
            const auto slot = look_at_;
            look_at_ = (slot + 1) & last_;
            if (!cells_[slot].state.has_ended_since(oldest_)) { continue; }
            ++n;
            deliver(slot);
        }
        return n;
    }
    ticket at(std::uint64_t turn) const noexcept { return {static_cast<std::uint32_t>(state::number_of(turn)) & last_, turn}; }

    Cell* const cells_;
    const std::uint32_t last_;
    // The turn that each is at. Producer:
    alignas(64) std::uint64_t head_ = 0;
    basic_lane_credit<Atomics> credit_;
    // Worker:
    alignas(64) std::uint64_t next_ = 0;
    alignas(64) typename Atomics::template atomic<std::uint64_t> ended_to_{0};
    // Drain:
    alignas(64) std::uint64_t oldest_ = 0;
    std::uint32_t look_at_ = 0;  // the slot, once they end out of order
    typename Atomics::template atomic<std::uint32_t> out_of_order_{0};  // by who revokes
};

template <class Cell>
using inline_ring = basic_inline_ring<std_atomics, Cell>;

}  // namespace numasio::detail
