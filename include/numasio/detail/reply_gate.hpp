// Who drains a worker's replies: at most one at a time, never none while replies wait, nobody after the cut.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// Publishers call ready() after publishing; it posts a drain unless one is pending or running. The drain calls
/// leave() when it finds no more. cut() ends all posting: the executor may be gone afterwards.
template <class Atomics>
class basic_reply_gate {
public:
    /// Publisher, after publishing replies: calls `post()` if nobody drains.
    template <class Post>
    void ready(Post&& post) noexcept {
        // [cut-1] Pairs with [cut-2]: count this thread in BEFORE looking whether the way back was cut.
        posting_.fetch_add(1, Atomics::seq_cst);
        // [drain-1] Pairs with [drain-2]: the replies were published before this exchange, and whoever
        // holds `held_` looks for replies again after giving it up.
        if (cut_.load(Atomics::seq_cst) == 0 && held_.exchange(1, Atomics::acq_rel) == 0) { post(); }
        posting_.fetch_sub(1, Atomics::release);
    }

    /// Drain, finding no more replies: true if it is over; false if `more()` says that there is more to do.
    template <class More>
    bool leave(More&& more) noexcept {
        // [drain-2] Pairs with [drain-1] and [cut-2]: give the drain up BEFORE the last look.
        held_.exchange(0, Atomics::acq_rel);
        return !(more() || is_cut()) || held_.exchange(1, Atomics::acq_rel) != 0;
    }

    /// Drain: nothing will be published any more, what cannot be delivered is to be abandoned.
    bool is_cut() const noexcept { return cut_.load(Atomics::acquire) != 0; }

    /// Once. True if nobody drains: the caller abandons what is left, else the drain does.
    template <class Yield>
    bool cut(Yield&& yield) noexcept {
        // [cut-2] Pairs with [cut-1]: afterwards no thread is posting and none will.
        cut_.store(1, Atomics::seq_cst);
        while (posting_.load(Atomics::acquire) != 0) { yield(); }
        return held_.exchange(1, Atomics::acq_rel) == 0;
    }

private:
    typename Atomics::template atomic<std::uint32_t> held_{0};     // a drain is pending or running
    typename Atomics::template atomic<std::uint32_t> posting_{0};  // threads inside ready()
    typename Atomics::template atomic<std::uint32_t> cut_{0};
};

using reply_gate = basic_reply_gate<std_atomics>;

}  // namespace numasio::detail
