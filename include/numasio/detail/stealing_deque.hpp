// A worker's own queue of tasks: its owner adds and takes without a lock, others steal the oldest.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <array>
#include <cstdint>

namespace numasio::detail {

/// Chase and Lev's deque, of a fixed size, with the fences of Lê et al. (2013). They lower `bottom` relaxed; under C++20 such a store no longer
/// continues the owner's release sequence, so that a thief may read a slot as it was before ([deque-2]).
/// Threads: push(), take_newest(), take_oldest() by the owner alone; steal(), size() by any.
template <class Atomics, class T, std::uint32_t Places>
class basic_stealing_deque {
    static_assert((Places & (Places - 1)) == 0, "a place is found by a count's last bits");

public:
    static constexpr std::uint32_t places = Places;

    /// Owner. False: full, and nothing has happened.
    bool push(T* item) noexcept {
        const auto bottom = bottom_.load(Atomics::relaxed);
        // [deque-1] Pairs with the thieves' exchange of `top_`: who took the place's last item has read it.
        if (bottom - top_.load(Atomics::acquire) >= Places) { return false; }
        slot(bottom).store(item, Atomics::relaxed);
        bottom_.store(bottom + 1, Atomics::release);  // [deque-2] Pairs with steal(): the item and what it points to
        return true;
    }

    /// Owner: what it added last; null where there is nothing.
    T* take_newest() noexcept {
        const auto bottom = bottom_.load(Atomics::relaxed) - 1;
        bottom_.store(bottom, Atomics::release);  // [deque-2]
        // [deque-3] Pairs with steal(): of owner and thief, one sees that the other is after the last item.
        Atomics::full_fence(meeting_);
        auto top = top_.load(Atomics::relaxed);
        if (static_cast<std::int64_t>(bottom - top) < 0) {
            bottom_.store(bottom + 1, Atomics::release);  // [deque-2]
            return nullptr;
        }
        auto* item = slot(bottom).load(Atomics::relaxed);
        if (bottom != top) { return item; }
        const bool mine = top_.compare_exchange_strong(top, top + 1, Atomics::relaxed, Atomics::relaxed);
        bottom_.store(bottom + 1, Atomics::release);  // [deque-2]
        return mine ? item : nullptr;
    }

    /// Owner: what it added first, of what is left.
    T* take_oldest() noexcept {
        const auto bottom = bottom_.load(Atomics::relaxed);
        auto top = top_.load(Atomics::relaxed);
        while (top != bottom) {
            auto* item = slot(top).load(Atomics::relaxed);
            if (top_.compare_exchange_weak(top, top + 1, Atomics::relaxed, Atomics::relaxed)) { return item; }
        }
        return nullptr;
    }

    /// The same where nobody steals.
    T* take_oldest_alone() noexcept {
        const auto top = top_.load(Atomics::relaxed);
        if (top == bottom_.load(Atomics::relaxed)) { return nullptr; }
        top_.store(top + 1, Atomics::relaxed);
        return slot(top).load(Atomics::relaxed);
    }

    enum class outcome { stolen, empty, lost };
    struct stolen {
        outcome how;
        T* item;
    };
    /// Any thread but the owner: the oldest. `lost`: another was faster, and there may be more.
    stolen steal() noexcept {
        auto top = top_.load(Atomics::relaxed);
        Atomics::full_fence(meeting_);  // [deque-3]
        const auto bottom = bottom_.load(Atomics::acquire);  // [deque-2]
        if (static_cast<std::int64_t>(bottom - top) <= 0) { return {outcome::empty, nullptr}; }
        auto* item = slot(top).load(Atomics::relaxed);
        // [deque-1] Pairs with push(): the item has been read.
        if (!top_.compare_exchange_strong(top, top + 1, Atomics::release, Atomics::relaxed)) { return {outcome::lost, nullptr}; }
        return {outcome::stolen, item};
    }

    /// Any thread: how many were taken from the front until now, and added (less those that the owner has taken back from the end).
    std::uint64_t taken() const noexcept { return top_.load(Atomics::relaxed); }
    std::uint64_t added() const noexcept { return bottom_.load(Atomics::relaxed); }
    /// Any thread: about how many there are.
    std::uint32_t size() const noexcept {
        const auto top = top_.load(Atomics::relaxed);
        const auto n = static_cast<std::int64_t>(bottom_.load(Atomics::relaxed) - top);
        return n > 0 ? static_cast<std::uint32_t>(n) : 0;
    }

private:
    auto& slot(std::uint64_t at) noexcept { return slots_[at & (Places - 1)]; }

    alignas(64) typename Atomics::template atomic<std::uint64_t> top_{1};  // who steals; 1: bottom_ never goes below 0
    typename Atomics::template atomic<std::uint32_t> meeting_{0};
    alignas(64) typename Atomics::template atomic<std::uint64_t> bottom_{1};  // the owner alone writes it
    alignas(64) std::array<typename Atomics::template atomic<T*>, Places> slots_{};
};

}  // namespace numasio::detail
