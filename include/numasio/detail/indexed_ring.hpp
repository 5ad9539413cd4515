// A lane's ring of slot numbers: large cells stay where they are, and the one freed last is used next.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/lane_credit.hpp>
#include <numasio/detail/slot_list.hpp>

#include <boost/lockfree/policies.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace numasio::detail {

/// Way of a slot: free list → producer → requests → worker → replies → drain → free list. Every ring holds every slot of the lane, so that
/// only reserving a place can fail. Boost's ring refuses move-only types; numbers are fine.
/// The same interface as basic_inline_ring.
template <class Cell>
class indexed_ring {
    using state = typename Cell::state_type;

public:
    using cell_type = Cell;

    static constexpr bool shows_ends = false;

    static constexpr std::uint32_t cells_for(std::uint32_t capacity) noexcept { return capacity; }

    indexed_ring(Cell* cells, std::uint32_t capacity, std::pmr::memory_resource& arena)
        : cells_(cells), credit_(capacity), requests_(capacity, &arena), replies_(capacity, &arena) {
        for (std::uint32_t slot = capacity; slot-- > 0;) { keep(slot); }
    }
    static constexpr std::size_t footprint(std::uint32_t capacity) noexcept {
        return 2 * (std::size_t{capacity} + 1) * sizeof(std::uint32_t) + 2 * alignof(std::max_align_t);
    }

    // --- producer -----------------------------------------------------------------------------------
    bool reserve() noexcept { return credit_.take(); }
    void drop() noexcept { credit_.drop(); }
    ticket claim() noexcept {
        if (free_ == no_slot) { free_ = freed_.take_all(); }
        return {free_, state::turn_after(cells_[free_].state.turn())};
    }
    void publish(ticket one) noexcept {
        free_ = cells_[one.slot].next;
        cells_[one.slot].state.publish(one.turn);
        requests_.push(one.slot);
    }

    // --- worker -------------------------------------------------------------------------------------
    template <class Serve, class AllServed = nothing>
    std::size_t consume(std::size_t limit, Serve&& serve, AllServed&& all_served = {}) noexcept {
        std::array<std::uint32_t, most_at_once> taken;
        const std::size_t n = requests_.pop(taken.data(), limit < most_at_once ? limit : most_at_once);
        std::size_t ended = 0;
        std::size_t told = 0;
        const auto tell = [&] {
            replies_.push(taken.data() + told, ended - told);
            told = ended;
        };
        for (std::size_t i = 0; i < n; ++i) {
            if (serve(ticket{taken[i], cells_[taken[i]].state.turn()}, tell)) { taken[ended++] = taken[i]; }
        }
        all_served();
        tell();
        return n;
    }

    // --- any thread, once the intake is closed ---------------------------------------------------------
    bool revoke(std::uint32_t slot) noexcept {
        if (!cells_[slot].state.try_stop()) { return false; }
        ended_elsewhere_.push(slot, next());
        return true;
    }

    // --- drain --------------------------------------------------------------------------------------
    template <class Deliver>
    std::size_t take_ended(std::size_t limit, bool /*closely*/, Deliver&& deliver) {
        std::size_t n = 0;
        for (std::uint32_t slot = no_slot; n < limit && next_ended(slot); ++n) { deliver(slot); }
        return n;
    }
    bool has_ended(bool /*closely*/) const noexcept { return late_ != no_slot || !ended_elsewhere_.empty() || replies_.read_available() != 0; }
    void recycle(std::uint32_t slot, bool by_producer) noexcept {
        if (by_producer) { keep(slot); }
        else { freed_.push(slot, next()); }
        credit_.recycle();
    }

private:
    static constexpr std::size_t most_at_once = 64;
    using number_ring = boost::lockfree::spsc_queue<std::uint32_t, boost::lockfree::allocator<std::pmr::polymorphic_allocator<std::uint32_t>>>;

    auto next() noexcept {
        return [this](std::uint32_t s) -> std::uint32_t& { return cells_[s].next; };
    }
    /// On the producer's thread.
    void keep(std::uint32_t slot) noexcept {
        cells_[slot].next = free_;
        free_ = slot;
    }
    bool next_ended(std::uint32_t& slot) noexcept {
        if (late_ == no_slot) { late_ = ended_elsewhere_.take_all(); }
        if (late_ != no_slot) {
            slot = late_;
            late_ = cells_[slot].next;
            return true;
        }
        return replies_.pop(slot);
    }

    Cell* const cells_;
    // Producer.
    alignas(64) std::uint32_t free_ = no_slot;
    lane_credit credit_;
    // Producer → worker, worker → drain; each ring separates its own two indices.
    alignas(64) number_ring requests_;
    alignas(64) number_ring replies_;
    // Back to the producer; ended by a stop.
    alignas(64) slot_list freed_;
    slot_list ended_elsewhere_;
    // Drain.
    std::uint32_t late_ = no_slot;
};

}  // namespace numasio::detail
