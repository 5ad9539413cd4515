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
    using ring_type = detail::basic_inline_ring<relacy_atomics, cell>;
    cell cells[ring_type::cells_for(Capacity)];
    ring_type ring{cells, Capacity, nowhere};

    void thread(unsigned index) {
        if (index == 0) { produce(); }
        else if (index == 1) { work(); }
        else { drain(); }
    }

    void produce() {
        for (std::uint32_t item = 0; item < Items; ++item) {
            while (!ring.reserve()) { rl::yield(1, info()); }
            const auto one = ring.claim();
            cells[one.slot].request(info()).store(item);
            ring.publish(one);
            if (item == 0) {  // a place that is taken and not used comes back
                while (!ring.reserve()) { rl::yield(1, info()); }
                ring.drop();
            }
        }
    }
    void work() {
        for (std::uint32_t served = 0; served < Items;) {
            const auto n = ring.consume(Items, [&](detail::ticket one, auto tell) {
                auto& c = cells[one.slot];
                if (served % 2 == 1) { tell(); }
                require(c.state.try_run(one.turn), "nobody else takes it");
                require(c.request(info()).load() == served, "requests come in order");
                c.reply(info()).store(served++ + 100);
                c.state.finish(one.turn);
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void drain() {
        for (std::uint32_t delivered = 0; delivered < Items;) {
            const auto n = ring.take_ended(Items, delivered % 2 == 1, [&](std::uint32_t slot) {
                require(cells[slot].reply(info()).load() == delivered++ + 100, "replies come in order");
                ring.recycle(slot, false);
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
};

/// A stop takes back what is queued behind a request that does not end, a drain finds it there, and finds that one when it ends after all.
template <bool Closely>
struct behind_a_stuck_one : rl::test_suite<behind_a_stuck_one<Closely>, 3> {
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request, reply;
    };
    struct no_arena {} nowhere;
    cell cells[4];
    detail::basic_inline_ring<relacy_atomics, cell> ring{cells, 3, nowhere};
    checked_atomic<std::uint32_t> told{0};

    void before() {
        publish();  // one that has gone before, whose cell says so still
        ring.consume(1, [&](detail::ticket one, auto) { answer(one); });
        require(deliver(cell::state_type::done) == 1, "it is delivered");
        for (int i = 0; i < 3; ++i) { publish(); }
    }
    void publish() {
        require(ring.reserve(), "there is room");
        const auto one = ring.claim();
        cells[one.slot].request(info()).store(1);
        ring.publish(one);
    }
    void answer(detail::ticket one, bool late = false) {
        require(cells[one.slot].state.try_run(one.turn), "nobody else takes it");
        if (late) { told.fetch_add(1, rl::mo_release); }
        while (late && told.load(rl::mo_relaxed) < 3) { rl::yield(1, info()); }
        cells[one.slot].reply(info()).store(2);
        cells[one.slot].state.finish(one.turn);
    }
    std::size_t deliver(cell::state_type::value how) {
        return ring.take_ended(8, Closely, [&](std::uint32_t slot) {
            require(cells[slot].state.get() == how, "only what has ended is delivered, and once");
            require(cells[slot].request(info()).load() == 1, "a request comes back whole");
            if (how == cell::state_type::done) { require(cells[slot].reply(info()).load() == 2, "and so does its reply"); }
            ring.recycle(slot, false);
        });
    }
    void thread(unsigned index) {
        if (index == 0) {  // the worker, which is stuck in the first
            ring.consume(1, [&](detail::ticket one, auto) { answer(one, true); });
        } else if (index == 1) {  // a stop past its deadline
            while (told.load(rl::mo_acquire) == 0) { rl::yield(1, info()); }
            int revoked = 0;
            for (std::uint32_t slot = 0; slot < 4; ++slot) { revoked += ring.revoke(slot) ? 1 : 0; }
            require(revoked == 2, "what has not begun is taken back");
            told.fetch_add(1, rl::mo_release);
            while (told.load(rl::mo_acquire) < 3) { rl::yield(1, info()); }
            require(!ring.reserve(), "the producer could come round to the one that runs");
        } else {
            while (told.load(rl::mo_acquire) < 2) { rl::yield(1, info()); }
            require(ring.has_ended(Closely) && deliver(cell::state_type::stopped) == 2, "both are found");
            require(!ring.has_ended(Closely) && deliver(cell::state_type::stopped) == 0, "and nothing else");
            told.fetch_add(1, rl::mo_release);
            while (deliver(cell::state_type::done) == 0) { rl::yield(1, info()); }
        }
    }
};

/// A producer that finds the intake closed takes its requests back, the worker passes them, and a drain delivers each once: in order while it does not know of
/// that yet, so that the producer may come round to a cell before the worker has passed it.
template <bool Closely, std::uint32_t Requests>
struct passed_by : rl::test_suite<passed_by<Closely, Requests>, 3> {
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request;
    };
    struct no_arena {} nowhere;
    cell cells[2];
    detail::basic_inline_ring<relacy_atomics, cell> ring{cells, 2, nowhere};
    checked_atomic<std::uint32_t> published{0}, delivered{0}, over{0};

    void thread(unsigned index) {
        if (index == 0) { return produce(); }
        if (index == 1) { return pass(); }
        drain();
    }
    void produce() {
        for (std::uint32_t n = 0; n < Requests && ring.reserve(); ++n) {
            const auto one = ring.claim();
            cells[one.slot].request(info()).store(7);
            published.fetch_add(1, rl::mo_relaxed);
            ring.publish(one);
            ring.revoke(one.slot);
        }
        over.store(1, rl::mo_release);
    }
    void pass() {
        for (;;) {
            const bool last = over.load(rl::mo_acquire) != 0;
            const auto n = ring.consume(2, [&](detail::ticket one, auto) {
                auto& state = cells[one.slot].state;
                if (state.try_run(one.turn)) { return state.finish(one.turn); }
                // As lane::refuse(): past a deadline it may be the next request of the cell that this takes back, which its producer is about to.
                if (!state.try_return_cancelled(one.turn)) { state.try_stop(); }
            });
            if (last && n == 0) { return; }
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void drain() {
        for (;;) {
            const bool last = over.load(rl::mo_acquire) != 0;
            const auto n = ring.take_ended(2, Closely, [&](std::uint32_t slot) {
                require(cells[slot].request(info()).load() == 7, "a request comes back whole");
                delivered.fetch_add(1, rl::mo_relaxed);
                require(delivered.newest() <= published.newest(), "each comes back once");
                ring.recycle(slot, false);
            });
            if (last && delivered.newest() == published.newest()) { return; }
            if (n == 0) { rl::yield(1, info()); }
        }
    }
};

}  // namespace

bool hunt_inline_ring() {
    return explore_random<round<1, 2>>("inline ring 1, 2 items", 20'000) && explore_random<round<2, 4>>("inline ring 2, 4 items", 40'000) &&
           explore_random<behind_a_stuck_one<false>>("inline ring behind a stuck one", 2'000) &&
           explore_random<behind_a_stuck_one<true>>("inline ring behind a stuck one, closely", 2'000) &&
           explore_random<passed_by<false, 1>>("inline ring, one taken back", 20'000) &&
           explore_random<passed_by<true, 1>>("inline ring, one taken back, closely", 20'000) &&
           explore_random<passed_by<false, 4>>("inline ring, four taken back", 40'000) &&
           explore_random<passed_by<true, 4>>("inline ring, four taken back, closely", 40'000);
}

#ifndef NUMASIO_HUNT
bool check_inline_ring(bool deep) {
    return hunt_inline_ring() && explore_few<round<1, 2>>("inline ring 1, 2 items", deep ? 2 : 1) &&
           explore_random<round<3, 6>>("inline ring 3, 6 items", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
