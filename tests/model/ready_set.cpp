// Marks of lanes that have work: nothing that was published is left behind by a consumer that looks at marked lanes only.
#include "search.hpp"

#include <numasio/detail/parker.hpp>
#include <numasio/detail/ready_set.hpp>

namespace numasio::model {
namespace {

/// Producers publish and announce as port::start() does, the consumer collects, serves and sleeps as the worker's server does.
/// What is left behind is a deadlock: the futex has no time-out.
template <int Producers, int Items, int Batch>
struct ready_lanes : rl::test_suite<ready_lanes<Producers, Items, Batch>, Producers + 1> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_ready_set<relacy_atomics> ready{Producers};
    model_ring<Items> rings[Producers];
    int doorbells = 0;
    int announced = 0;

    void thread(unsigned index) {
        if (index < Producers) { produce(index); }
        else { consume(); }
    }

    void produce(std::uint32_t lane) {
        for (std::uint32_t item = 0; item < Items; ++item) {
            rings[lane].push(item);
            if (ready.announce(lane, bell)) { ++doorbells; }
        }
    }

    void consume() {
        std::uint32_t taken[Producers] = {};
        std::uint64_t marks[1] = {};
        for (int total = 0; total < Producers * Items;) {
            if (!ready.collect(marks, bell)) {
                idle();
                continue;
            }
            for (int p = 0; p < Producers; ++p) {
                if ((marks[0] >> p & 1) == 0) { continue; }
                int served = 0;
                for (std::uint32_t item = 0; served < Batch && rings[p].pop(item); ++served) {
                    require(item == taken[p]++, "a producer's items come in order");
                }
                if (served < Batch) { marks[0] &= ~(std::uint64_t{1} << p); }  // empty when it was looked at
                total += served;
            }
        }
    }

    void idle() {
        ++announced;
        bell.prepare();
        if (ready.any()) { bell.cancel(); }
        else { bell.park(); }
    }

    void after() { require(doorbells <= announced, "at most one doorbell for each sleep"); }
};

/// While its mark stands a producer writes nothing.
struct marked : rl::test_suite<marked, 2> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_ready_set<relacy_atomics> ready{1};

    void thread(unsigned index) {
        if (index == 0) {
            ready.announce(0, bell);
            const auto writes = exchanges;
            require(!ready.announce(0, bell), "the mark stands: no doorbell");
            require(exchanges == writes, "the mark stands: no write");
        }
    }
};

}  // namespace

bool hunt_ready_set() {
    return explore_random<marked>("marked", 100) && explore_random<ready_lanes<1, 2, 1>>("ready lanes 1x2", 50'000) &&
           explore_random<ready_lanes<2, 2, 1>>("ready lanes 2x2", 50'000);
}

#ifndef NUMASIO_HUNT
bool check_ready_set(bool deep) {
    return hunt_ready_set() && explore_all<ready_lanes<1, 1, 1>>("ready lanes 1x1") &&
           explore_few<ready_lanes<2, 1, 1>>("ready lanes 2x1", deep ? 4 : 3) &&
           explore_random<ready_lanes<4, 3, 2>>("ready lanes 4x3", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
