// A lane's round: each request is served once and in order, its reply delivered once and in order, and its cell used again only then.
#include "search.hpp"

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/inline_ring.hpp>

namespace numasio::model {
namespace {

/// Producer, worker and drain, each polling: what is lost is a livelock, what is used too early a data race.
template <std::uint32_t Capacity, std::uint32_t Items>
struct round : rl::test_suite<round<Capacity, Items>, 3> {
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request, reply;
    };
    struct no_arena {} nowhere;
    cell cells[Capacity];
    detail::basic_inline_ring<relacy_atomics, cell> ring{cells, Capacity, nowhere};

    void thread(unsigned index) {
        if (index == 0) { produce(); }
        else if (index == 1) { work(); }
        else { drain(); }
    }

    void produce() {
        for (std::uint32_t item = 0; item < Items; ++item) {
            while (!ring.reserve()) { rl::yield(1, info()); }
            const auto slot = ring.claim();
            cells[slot].request(info()).store(item);
            ring.publish(slot);
            if (item == 0) {  // a place that is taken and not used comes back
                while (!ring.reserve()) { rl::yield(1, info()); }
                ring.drop();
            }
        }
    }
    void work() {
        for (std::uint32_t served = 0; served < Items;) {
            const auto n = ring.consume(Items, [&](std::uint32_t slot, auto) {
                auto& c = cells[slot];
                require(c.state.try_run(), "nobody else takes it");
                require(c.request(info()).load() == served, "requests come in order");
                c.reply(info()).store(served++ + 100);
                c.state.finish();
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void drain() {
        for (std::uint32_t delivered = 0; delivered < Items;) {
            const auto n = ring.take_ended(Items, [&](std::uint32_t slot) {
                require(cells[slot].reply(info()).load() == delivered++ + 100, "replies come in order");
                ring.recycle(slot, false);
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
};

/// A stop takes back what is queued behind a request that does not end, and a drain finds it there.
struct behind_a_stuck_one : rl::test_suite<behind_a_stuck_one, 3> {
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request;
    };
    struct no_arena {} nowhere;
    cell cells[3];
    detail::basic_inline_ring<relacy_atomics, cell> ring{cells, 3, nowhere};
    checked_atomic<std::uint32_t> told{0};

    void before() {
        for (int i = 0; i < 3; ++i) {
            ring.reserve();
            const auto slot = ring.claim();
            cells[slot].request(info()).store(1);
            ring.publish(slot);
        }
    }
    void thread(unsigned index) {
        if (index == 0) {  // the worker, which does not come back
            ring.consume(1, [&](std::uint32_t slot, auto) { require(cells[slot].state.try_run(), "it is stuck in the first"); });
            told.fetch_add(1, rl::mo_release);
        } else if (index == 1) {  // a stop past its deadline
            while (told.load(rl::mo_acquire) == 0) { rl::yield(1, info()); }
            for (std::uint32_t slot = 0; slot < 3; ++slot) { require(ring.revoke(slot) == (slot != 0), "what has not begun is taken back"); }
            told.fetch_add(1, rl::mo_release);
            while (told.load(rl::mo_acquire) < 3) { rl::yield(1, info()); }
            require(!ring.reserve(), "the producer's cursor has come round to the one that runs");
        } else {
            while (told.load(rl::mo_acquire) < 2) { rl::yield(1, info()); }
            std::uint32_t n = 0;
            ring.take_ended(8, [&](std::uint32_t slot) {
                require(cells[slot].state.get() == cell::state_type::stopped, "only what was stopped has ended");
                require(cells[slot].request(info()).load() == 1, "a request comes back whole");
                ring.recycle(slot, false);
                ++n;
            });
            require(n == 2, "both are found");
            told.fetch_add(1, rl::mo_release);
        }
    }
};

}  // namespace

bool hunt_inline_ring() {
    return explore_random<round<1, 2>>("inline ring 1, 2 items", 20'000) && explore_random<round<2, 4>>("inline ring 2, 4 items", 40'000) &&
           explore_random<behind_a_stuck_one>("inline ring behind a stuck one", 2'000);
}

#ifndef NUMASIO_HUNT
bool check_inline_ring(bool deep) {
    return hunt_inline_ring() && explore_few<round<1, 2>>("inline ring 1, 2 items", deep ? 2 : 1) &&
           explore_random<round<3, 6>>("inline ring 3, 6 items", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
