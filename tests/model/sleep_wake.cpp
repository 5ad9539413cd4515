// Sleep and wake: no producer's item is left behind by a sleeping consumer, no doorbell is rung twice.
#include "search.hpp"

#include <numasio/detail/parker.hpp>

namespace numasio::model {
namespace {

/// Producers publish as port::start() does, the consumer looks and sleeps as the worker's server::idle() does.
/// A lost wake-up is a deadlock: the futex has no time-out.
template <int Producers, int Items, bool Spurious>
struct sleep_wake : rl::test_suite<sleep_wake<Producers, Items, Spurious>, Producers + 1> {
    using parker = detail::basic_parker<relacy_atomics, model_futex<Spurious>>;

    parker bell;
    model_ring<Items> rings[Producers];
    int doorbells = 0;
    int sleeps = 0;
    int announced = 0;

    void thread(unsigned index) {
        if (index < Producers) { produce(rings[index]); }
        else { consume(); }
    }

    void produce(model_ring<Items>& ring) {
        for (std::uint32_t item = 0; item < Items; ++item) {
            ring.push(item);
            if (bell.ring()) { ++doorbells; }
        }
    }

    void consume() {
        std::uint32_t taken[Producers] = {};
        for (int total = 0; total < Producers * Items;) {
            int found = 0;
            for (int p = 0; p < Producers; ++p) {
                for (std::uint32_t item = 0; rings[p].pop(item); ++found) {
                    require(item == taken[p]++, "a producer's items come in order");
                }
            }
            total += found;
            if (found == 0) { idle(); }
        }
    }

    void idle() {
        ++announced;
        bell.prepare();
        if (has_items()) {
            bell.cancel();
        } else {
            ++sleeps;
            bell.park();
        }
        require(!bell.is_sleeping(), "a consumer that is awake says so");
    }
    bool has_items() const {
        for (const auto& ring : rings) {
            if (ring.has_some()) { return true; }
        }
        return false;
    }

    void after() {
        require(doorbells <= announced, "at most one doorbell for each sleep");
        // The wake-up of a doorbell may come late and end the next sleep too.
        require(Spurious || sleeps <= 2 * doorbells, "a sleep lasts until a doorbell");
    }
};

/// While the consumer is awake a producer only looks: it takes no doorbell and does not write the word.
struct awake : rl::test_suite<awake, 2> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    checked_atomic<std::uint32_t> handed_over{0};

    void thread(unsigned index) {
        if (index == 0) {
            bell.prepare();
            bell.cancel();
            handed_over.store(1, rl::mo_release);
        } else if (handed_over.load(rl::mo_acquire) == 1) {
            const auto writes = exchanges;
            require(!bell.ring(), "nobody sleeps: no doorbell");
            require(exchanges == writes, "nobody sleeps: no write");
        }
    }
};

/// fence() alone, as a producer and the last sweep of a closing worker use it: one of both sees the other.
struct fence_alone : rl::test_suite<fence_alone, 2> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    checked_atomic<std::uint32_t> said[2]{0, 0};
    std::uint32_t heard[2] = {};

    void thread(unsigned index) {
        said[index].store(1, rl::mo_relaxed);
        bell.fence();
        heard[index] = said[1 - index].load(rl::mo_relaxed);
    }
    void after() { require(heard[0] + heard[1] != 0, "one of two sides that fence sees the other"); }
};

}  // namespace

bool hunt_sleep_wake() {
    return explore_random<awake>("awake consumer", 2'000) && explore_random<fence_alone>("fence alone", 2'000) &&
           explore_random<sleep_wake<2, 2, false>>("sleep/wake 2x2", 50'000) &&
           explore_random<sleep_wake<2, 1, true>>("sleep/wake 2x1, signals", 50'000);
}

#ifndef NUMASIO_HUNT
bool check_sleep_wake(bool deep) {
    return hunt_sleep_wake() && explore_all<awake>("awake consumer") && explore_all<fence_alone>("fence alone") &&
           explore_all<sleep_wake<1, 1, false>>("sleep/wake 1x1") &&
           explore_few<sleep_wake<2, 1, false>>("sleep/wake 2x1", deep ? 4 : 3) &&
           explore_random<sleep_wake<4, 4, false>>("sleep/wake 4x4", deep ? 1'000'000 : 30'000) &&
           explore_random<sleep_wake<4, 4, true>>("sleep/wake 4x4, signals", deep ? 1'000'000 : 10'000);
}
#endif

}  // namespace numasio::model
