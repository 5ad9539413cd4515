// Slots on their way back: any thread pushes, one takes all. Taking all at once leaves no ABA problem.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>
#include <limits>

namespace numasio::detail {

inline constexpr std::uint32_t no_slot = std::numeric_limits<std::uint32_t>::max();

/// A stack of slot numbers, linked through `next(slot)`, a std::uint32_t& that the pushing side owns.
/// Used twice in an indexed_ring: for free slots, and for requests ended by somebody other than the worker.
template <class Atomics>
class basic_slot_list {
public:
    /// Any thread, owning `slot`. Lock-free.
    template <class Next>
    void push(std::uint32_t slot, Next&& next) noexcept {
        auto head = head_.load(Atomics::relaxed);
        do {
            next(slot) = head;
        } while (!head_.compare_exchange_weak(head, slot, Atomics::release, Atomics::relaxed));
    }

    /// One thread at a time: the first slot of the chain, or no_slot. The chain is the caller's.
    std::uint32_t take_all() noexcept {
        if (empty()) { return no_slot; }
        return head_.exchange(no_slot, Atomics::acquire);
    }

    bool empty() const noexcept { return head_.load(Atomics::relaxed) == no_slot; }

private:
    typename Atomics::template atomic<std::uint32_t> head_{no_slot};
};

using slot_list = basic_slot_list<std_atomics>;

}  // namespace numasio::detail
