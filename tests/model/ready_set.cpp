// Marks of lanes that have work: nothing that was published is left behind by a consumer that looks at marked lanes only.
#include "search.hpp"

#include <numasio/detail/parker.hpp>
#include <numasio/detail/ready_set.hpp>

namespace numasio::model {
namespace {

/// Producers publish and announce as port::start() does, the consumer looks, retires and sleeps as serving_loop does.
/// What is left behind is a deadlock: the futex has no time-out.
template <int Producers, int Items, int Batch>
struct ready_lanes : rl::test_suite<ready_lanes<Producers, Items, Batch>, Producers + 1> {
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;
    detail::basic_ready_set<relacy_atomics> ready{Producers};
    model_ring<Items> rings[Producers];
    std::uint32_t taken[Producers] = {};
    int doorbells = 0;
    int announced = 0;

    void thread(unsigned index) {
        if (index < Producers) { produce(index); }
        else { consume(); }
    }

    void produce(std::uint32_t lane) {
        for (std::uint32_t item = 0; item < Items; ++item) {
            rings[lane].push(item);
            bell.fence();
            if (ready.announce(lane) && bell.ring()) { ++doorbells; }
        }
    }

    void consume() {
        for (int total = 0; total < Producers * Items;) {
            int served = 0;
            ready.for_each([&](std::uint32_t lane) {
                int n = serve(lane);
                if (n == 0) {
                    ready.retire(lane, bell);
                    n = serve(lane);
                    if (n != 0) { ready.announce(lane); }
                }
                served += n;
            });
            total += served;
            if (served == 0) { idle(); }
        }
    }
    int serve(std::uint32_t lane) {
        int n = 0;
        for (std::uint32_t item = 0; n < Batch && rings[lane].pop(item); ++n) {
            require(item == taken[lane]++, "a producer's items come in order");
        }
        return n;
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
    detail::basic_parker<relacy_atomics, model_futex<false>> bell;  // for its fence
    detail::basic_ready_set<relacy_atomics> ready{1};

    void thread(unsigned index) {
        if (index == 0) {
            require(ready.announce(0), "the mark was not there");
            const auto writes = exchanges;
            require(!ready.announce(0), "the mark stands");
            require(exchanges == writes, "the mark stands: no write");
            ready.retire(0, bell);
            require(!ready.any() && ready.announce(0), "a mark that was retired is gone");
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
