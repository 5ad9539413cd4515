// The way back: no reply is left behind, drains never overlap, and after the cut nobody posts.
#include "search.hpp"

#include <numasio/detail/reply_gate.hpp>

namespace numasio::model {
namespace {

/// Publishers and drains as in worker_core; `Threads` run the executor, so that a drain can begin while another
/// is on its way out.
template <int Publishers, std::uint32_t Items, int Threads, bool Cut>
struct way_back : rl::test_suite<way_back<Publishers, Items, Threads, Cut>, Publishers + Threads + Cut> {
    detail::basic_reply_gate<relacy_atomics> gate;
    checked_atomic<std::uint32_t> published[Publishers];
    checked_atomic<std::uint32_t> known[Publishers];  // the reply rings' read indices
    rl::var<std::uint32_t> delivered[Publishers];     // owned by the drain

    // The executor: its queue, and whether it still exists.
    checked_atomic<std::uint32_t> operations{0};
    sleepers idle;
    int working = Publishers + Cut;
    rl::var<std::uint32_t> executor_memory;
    bool executor_gone = false;

    int draining = 0;
    int abandoned = 0;
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
            gate.ready([this] { post(); });
        }
        if (p == 0) { first_joined.store(1, rl::mo_release); }
    }

    void post() {
        require(!executor_gone, "nobody posts after the cut");
        require(executor_memory(info()).load() == 1, "nobody posts to a dead executor");
        require(operations.newest() == 0, "at most one drain is pending");
        operations.fetch_add(1, rl::mo_release);
        idle.wake_one();
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
        bool inside = false;  // until a pass finds nothing: then the gate may let the next drain in
        const auto pass = [&] {
            if (!inside) { require(++draining == 1, "drains never overlap"); }
            const auto n = deliver();
            inside = n != 0;
            if (!inside) { --draining; }
            return n;
        };
        while (!gate.round(pass, [this] { return has_more(); }, [this] { abandon(); })) {}
    }

    std::uint32_t deliver() {
        std::uint32_t n = 0;
        for (int p = 0; p < Publishers; ++p) {
            const auto before = delivered[p](info()).load();
            const auto now = published[p].load(rl::mo_acquire);
            delivered[p](info()).store(now);
            n += now - before;
            known[p].store(now, rl::mo_relaxed);
        }
        require(n == 0 || abandoned == 0, "what was abandoned is not delivered");
        return n;
    }
    /// Beside another drain: what publishers write and the ring's own read index, nothing that a drain owns.
    bool has_more() const {
        for (int p = 0; p < Publishers; ++p) {
            if (published[p].load(rl::mo_acquire) != known[p].load(rl::mo_relaxed)) { return true; }
        }
        return false;
    }

    /// As a bridge ends: it has joined a worker, another never returned and publishes whenever it likes.
    void cut() {
        left_by_stop(info()).store(1);
        while (first_joined.load(rl::mo_acquire) == 0) { rl::yield(1, info()); }
        const auto yield = [] { rl::yield(1, info()); };
        if (gate.cut(yield, [this] { return has_more(); }, [this] { post(); })) { abandon(); }
        executor_gone = true;
        executor_memory(info()).store(0);
    }
    void abandon() {
        require(++abandoned == 1, "what is left is abandoned once");
        require(left_by_stop(info()).load() == 1, "whoever abandons sees what came before the cut");
        for (auto& d : delivered) { d(info()).store(d(info()).load()); }
    }

    void after() {
        require(abandoned == Cut, "after a cut somebody abandons what is left, without a cut nobody");
        for (int p = 0; p < (Cut ? 1 : Publishers); ++p) {
            require(delivered[p](info()).load() == Items, "no reply is left behind");
        }
    }
};

}  // namespace

bool hunt_reply_gate() {
    return explore_random<way_back<2, 2, 2, false>>("reply gate 2x2, 2 drains", 50'000) &&
           explore_random<way_back<2, 1, 2, true>>("reply gate 2x1, 2 drains, cut", 150'000);
}

#ifndef NUMASIO_HUNT
bool check_reply_gate(bool deep) {
    return hunt_reply_gate() && explore_few<way_back<1, 1, 1, true>>("reply gate 1x1, 1 drain, cut", deep ? 4 : 3) &&
           explore_few<way_back<2, 1, 2, true>>("reply gate 2x1, 2 drains, cut", deep ? 2 : 1) &&
           (!deep || explore_random<way_back<2, 2, 2, true>>("reply gate 2x2, 2 drains, cut", 2'000'000));
}
#endif

}  // namespace numasio::model
