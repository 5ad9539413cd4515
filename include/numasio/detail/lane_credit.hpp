// How many more requests a lane has room for, without asking its ring.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// A place is taken by take() and comes back by exactly one of drop() and recycle().
template <class Atomics>
class basic_lane_credit {
public:
    explicit basic_lane_credit(std::uint32_t places) noexcept : places_(places) {}

    /// Producer: false where every place is taken. Looks at the other sides' counts only where its own say so.
    bool take() noexcept {
        if (taken_ - came_back_ == places_) {
            came_back_ = recycled_.load(Atomics::acquire) + dropped_.load(Atomics::acquire);
            if (taken_ - came_back_ == places_) { return false; }
        }
        ++taken_;
        return true;
    }
    /// Any thread: a place that was not used.
    void drop() noexcept { dropped_.fetch_add(1, Atomics::release); }
    /// Drain, one at a time: a request that has ended; what was its slot's is free before.
    void recycle() noexcept { recycled_.store(recycled_.load(Atomics::relaxed) + 1, Atomics::release); }

private:
    const std::uint64_t places_;
    std::uint64_t taken_ = 0;
    std::uint64_t came_back_ = 0;
    alignas(64) typename Atomics::template atomic<std::uint64_t> recycled_{0};
    typename Atomics::template atomic<std::uint64_t> dropped_{0};
};

using lane_credit = basic_lane_credit<std_atomics>;

}  // namespace numasio::detail
