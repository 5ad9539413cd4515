// Keeps the control plane's context from running out of work while a lane's replies are due.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// One piece of outstanding work for all requests of a lane, begun by the first and ended with the last reply, instead of one for each.
/// Who acts as producer: count a request as accepted; fence; take(), perhaps beside another's. Drain: count replies as delivered; where that makes them even, release().
/// `Lane` has begin() and end(), called by one thread at a time and in turn; due(): has more been accepted than delivered?; fence(), the
/// handshake's.
template <class Atomics>
class basic_work_hold {
public:
    /// Producer. When this returns, the work is held, or everything was delivered, or a drain runs, which is work too, and sees to it.
    template <class Lane>
    void take(Lane&& lane) noexcept {
        // [hold-1] Pairs with [hold-2]: a fence stands between the count of what was accepted and this look. Whoever finds `changing` has
        // been counted before the last look of the one who is at it.
        if (state_.load(Atomics::relaxed) == held || !move(none, changing)) { return; }
        lane.begin();
        state_.store(held, Atomics::release);
        // [hold-3] Pairs with [hold-4]: hold the work BEFORE looking whether a drain was faster, and found nothing to end.
        lane.fence();
        if (!lane.due()) { release(lane); }
    }

    /// Drain, and a producer who finds that a drain was faster, when it has counted as many replies as it finds requests.
    template <class Lane>
    void release(Lane&& lane) noexcept {
        // [hold-4] Pairs with [hold-3]: count what was delivered BEFORE looking whether there is work to end.
        lane.fence();
        if (state_.load(Atomics::relaxed) != held || !end(lane)) { return; }
        // [hold-2] Pairs with [hold-1]: end the work BEFORE the last look at what was accepted.
        lane.fence();
        if (lane.due()) { take(lane); }
    }

    /// Who ends the lane: whatever begin() and end() did has happened.
    void settle() const noexcept { static_cast<void>(state_.load(Atomics::acquire)); }

private:
    template <class Lane>
    bool end(Lane&& lane) noexcept {
        if (!move(held, changing)) { return false; }
        lane.end();
        state_.store(none, Atomics::release);
        return true;
    }
    bool move(std::uint32_t from, std::uint32_t to) noexcept {
        return state_.compare_exchange_strong(from, to, Atomics::acquire, Atomics::relaxed);
    }

    static constexpr std::uint32_t none = 0;
    static constexpr std::uint32_t changing = 1;  // somebody is inside begin() or end()
    static constexpr std::uint32_t held = 2;
    typename Atomics::template atomic<std::uint32_t> state_{none};
};

using work_hold = basic_work_hold<std_atomics>;

}  // namespace numasio::detail
