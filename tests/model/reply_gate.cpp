// The way back: no reply is left behind, drains never overlap, and after the cut nobody posts.
#include "search.hpp"

#include <numasio/detail/parker.hpp>
#include <numasio/detail/ready_set.hpp>
#include <numasio/detail/reply_gate.hpp>

namespace numasio::model {
namespace {

/// Publishers and drains as in worker_core; `Threads` run the executor, so that a drain can begin while another
/// is on its way out.
template <int Publishers, std::uint32_t Items, int Threads, bool Cut>
struct way_back : rl::test_suite<way_back<Publishers, Items, Threads, Cut>, Publishers + Threads + Cut> {
    detail::basic_reply_gate<relacy_atomics> gate;
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;  // for its fence
    detail::basic_ready_set<relacy_atomics> replied{Publishers};
    checked_atomic<std::uint32_t> published[Publishers];
    rl::var<std::uint32_t> delivered[Publishers];     // owned by the drain

    // The executor: its queue, and whether what posts to it still exists.
    checked_atomic<std::uint32_t> operations{0};
    sleepers idle;
    int working = Publishers + Cut;
    rl::var<std::uint32_t> executor_memory;
    bool cut_is_over = false;

    int draining = 0;
    int failed_rest = 0;
    bool ends_rest = false;  // by the last drain
    bool nothing_left = false;
    checked_atomic<std::uint32_t> first_joined{0};
    rl::var<std::uint32_t> left_by_stop;

    void before() {
        for (auto& d : delivered) { d(info()).store(0); }
        executor_memory(info()).store(1);
        left_by_stop(info()).store(0);
    }

    void thread(unsigned index) {
        if (index < Publishers) {
            publish(index);
        } else if (index < Publishers + Threads) {
            return run_executor();
        } else {
            cut();
        }
        if (--working == 0) { idle.wake_all(); }
    }

    void publish(unsigned p) {
        for (std::uint32_t item = 0; item < Items; ++item) {
            published[p].store(item + 1, rl::mo_release);
            bell.fence();
            // A mark that stands has its drain: it looks once more when it has cleared it.
            if (replied.announce(p)) { gate.ready([this] { post_before_cut(); }); }
        }
        if (p == 0) { first_joined.store(1, rl::mo_release); }
    }

    void post_before_cut() {
        require(!cut_is_over, "nobody but the last drain posts after the cut");
        post();
    }
    void post() {
        require(executor_memory(info()).load() == 1, "nobody posts to a dead executor");
        require(operations.newest() == 0, "at most one drain is pending");
        operations.fetch_add(1, rl::mo_release);
        idle.wake_one();
        require(executor_memory(info()).load() == 1, "the poster is there until every post has returned");
    }

    void run_executor() {
        for (;;) {
            std::uint32_t one = 1;
            if (operations.newest() != 0) {
                if (operations.compare_exchange_strong(one, 0, rl::mo_acquire, rl::mo_relaxed)) { drain(); }
            } else if (working == 0) {
                return;
            } else {
                idle.sleep(false);
            }
        }
    }

    void drain() {
        const auto more = [this] { return replied.any(); };
        require(++draining == 1, "drains never overlap");
        if (ends_rest) { return fail_rest(); }
        for (;;) {
            if (deliver_marked() != 0) { continue; }
            bool given_up = false;  // after a pass that finds nothing the gate may let the next drain in
            const auto pass = [&] {
                const auto n = retire_marks();
                given_up = n == 0;
                if (given_up) { --draining; }
                return n;
            };
            if (gate.round(pass, more, [this] { fail_first(); })) { return; }
            if (given_up) { require(++draining == 1, "drains never overlap"); }
        }
    }
    std::uint32_t deliver_marked() {
        std::uint32_t n = 0;
        replied.for_each([&](std::uint32_t p) { n += deliver(p); });
        return n;
    }
    std::uint32_t retire_marks() {
        std::uint32_t n = 0;
        replied.for_each([&](std::uint32_t p) {
            replied.retire(p, bell);
            const auto found = deliver(p);
            if (found != 0) { replied.announce(p); }
            n += found;
        });
        return n;
    }
    std::uint32_t deliver(std::uint32_t p) {
        const auto before = delivered[p](info()).load();
        const auto now = published[p].load(rl::mo_acquire);
        delivered[p](info()).store(now);
        require(now == before || !ends_rest, "what has failed is not delivered");
        return now - before;
    }

    /// As a bridge ends: it has joined a worker, another never returned and publishes whenever it likes.
    void cut() {
        left_by_stop(info()).store(1);
        while (first_joined.load(rl::mo_acquire) == 0) { rl::yield(1, info()); }
        const auto yield = [] { rl::yield(1, info()); };
        const auto is_due = [this] {
            bool any = false;
            for (auto& d : delivered) { any = any || d(info()).load() != Items; }
            return any;
        };
        if (gate.cut(yield, [&] { return replied.any() || is_due(); }, [this] { post(); })) {
            nothing_left = true;
            executor_memory(info()).store(0);
        }
        cut_is_over = true;
    }
    /// A handler throws: the rest of the rest is another operation's.
    void fail_first() {
        ends_rest = true;
        require(left_by_stop(info()).load() == 1, "who fails it sees what came before the cut");
        for (auto& d : delivered) { d(info()).store(d(info()).load()); }
        gate.go_on([this] { post(); });
    }
    void fail_rest() {
        require(++failed_rest == 1, "what is left fails once");
        for (auto& d : delivered) { d(info()).store(d(info()).load()); }
        gate.wait_for_posts([] { rl::yield(1, info()); });
        executor_memory(info()).store(0);
        --draining;
    }

    void after() {
        require(failed_rest + nothing_left == Cut, "after a cut a drain fails what is left, without a cut nobody");
        for (auto& d : delivered) {
            require(!nothing_left || d(info()).load() == Items, "what is left when nothing is left");
        }
        for (int p = 0; p < (Cut ? 1 : Publishers); ++p) {
            require(delivered[p](info()).load() == Items, "no reply is left behind");
        }
    }
};

}  // namespace

bool hunt_reply_gate() {
    return explore_few<way_back<2, 1, 2, false>>("reply gate 2x1, 2 drains", 2) &&
           explore_random<way_back<2, 2, 2, false>>("reply gate 2x2, 2 drains", 50'000) &&
           explore_random<way_back<2, 1, 2, true>>("reply gate 2x1, 2 drains, cut", 150'000);
}

#ifndef NUMASIO_HUNT
bool check_reply_gate(bool deep) {
    return hunt_reply_gate() && explore_few<way_back<1, 1, 1, true>>("reply gate 1x1, 1 drain, cut", deep ? 4 : 3) &&
           explore_few<way_back<2, 1, 2, true>>("reply gate 2x1, 2 drains, cut", 1) &&
           (!deep || explore_random<way_back<2, 1, 2, true>>("reply gate 2x1, 2 drains, cut", 3'000'000)) &&
           (!deep || explore_random<way_back<2, 2, 2, true>>("reply gate 2x2, 2 drains, cut", 2'000'000));
}
#endif

}  // namespace numasio::model
