// Who drains a worker's replies: at most one at a time, never none while replies wait, nobody after the cut.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// Publishers call ready() after publishing; it posts a drain unless one is pending or running. The drain runs
/// round() until that says over. cut() ends all posting: the executor may be gone afterwards.
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
    /// Drain that is to go on later: calls `post()`, and the drain is that operation's.
    template <class Post>
    void go_on(Post&& post) noexcept {
        posting_.fetch_add(1, Atomics::relaxed);
        post();
        posting_.fetch_sub(1, Atomics::release);
    }

    /// Drain: one look at the replies; true if the drain is over, false if round() is to be called again.
    /// `pass()` delivers what it finds and returns how many; what it throws leaves the drain with the caller.
    /// `more()` may run beside the next drain: it reads nothing that a drain owns.
    /// `end_rest()` runs once, after the cut, when what was published before the cut has been delivered. Where it throws the drain stays with the caller, who ends the rest
    /// and calls this no more.
    template <class Pass, class More, class EndRest>
    bool round(Pass&& pass, More&& more, EndRest&& end_rest) {
        // [cut-3] Pairs with [cut-2]: look BEFORE the pass, so that this pass finds what came before the cut.
        const bool last = is_cut();
        if (pass() != 0) { return false; }
        if (last) {
            end_rest();
            return true;
        }
        // [drain-2] Pairs with [drain-1] and [cut-2]: give the drain up BEFORE the last look.
        held_.exchange(0, Atomics::acq_rel);
        return !(more() || is_cut()) || held_.exchange(1, Atomics::acquire) != 0;
    }

    /// Once, while the executor still exists. True if nobody drains and `more()` says that nothing is left; else a drain ends the rest, which
    /// `post()` posts where none was pending: also in the stead of one that was leaving replies behind, to come back for them.
    template <class Yield, class More, class Post>
    bool cut(Yield&& yield, More&& more, Post&& post) noexcept {
        // [cut-2] Pairs with [cut-1] and [cut-3]: afterwards no publisher is posting and none will. Both sides
        // write, then read the other's word: all four are seq_cst, an acquire load could miss one that posts.
        cut_.store(1, Atomics::seq_cst);
        while (posting_.load(Atomics::seq_cst) != 0) { yield(); }
        if (held_.exchange(1, Atomics::acq_rel) != 0) { return false; }
        if (!more()) { return true; }
        go_on(post);
        return false;
    }
    /// Drain that has ended the rest: nobody is inside a `post()` any more, not even that of an operation that has run already.
    template <class Yield>
    void wait_for_posts(Yield&& yield) const noexcept {
        // [cut-4] Before what a post() uses is destroyed.
        while (posting_.load(Atomics::acquire) != 0) { yield(); }
    }

private:
    bool is_cut() const noexcept { return cut_.load(Atomics::acquire) != 0; }

    typename Atomics::template atomic<std::uint32_t> held_{0};     // a drain is pending or running
    typename Atomics::template atomic<std::uint32_t> posting_{0};  // threads that post, or look whether to
    typename Atomics::template atomic<std::uint32_t> cut_{0};
};

using reply_gate = basic_reply_gate<std_atomics>;

}  // namespace numasio::detail
