// A lane with more than one producer in its life: in turns under a lock, or one after the other, each until its thread ends.
#include "search.hpp"

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/inline_ring.hpp>

#include <relacy/stdlib/mutex.hpp>

namespace numasio::model {
namespace {

/// Who may act as the lane's producer, and until when.
enum class turns { of_each_call, of_each_thread };

/// Producers as port::reserve() and start() on the lane that they share (lane_base::turn()), or with a lane of their own that pool_core
/// gives them and takes back when they end; a worker and a drain that poll. The lock orders what the producer's side of the ring keeps
/// for itself: `cursors` stands for it, because it is plain memory in the ring, in which no checker sees a race.
template <turns Turns, std::uint32_t Producers, std::uint32_t Each, std::uint32_t Places>
struct many_producers : rl::test_suite<many_producers<Turns, Producers, Each, Places>, Producers + 2> {
    static constexpr std::uint32_t all = Producers * Each;
    struct cell {
        using state_type = detail::basic_cell_state<relacy_atomics>;
        state_type state;
        rl::var<std::uint32_t> request, reply;
    };
    struct no_arena {} nowhere;
    using ring_type = detail::basic_inline_ring<relacy_atomics, cell>;
    cell cells[ring_type::cells_for(Places)];
    ring_type ring{cells, Places, nowhere};
    rl::var<std::uint32_t> cursors;
    rl::mutex lock;
    bool taken = false;  // of each thread: the row, under pool_core's lock
    std::uint32_t delivered_of[Producers] = {};

    void before() { cursors(info()).store(0); }

    void thread(unsigned index) {
        if (index < Producers) { produce(index); }
        else if (index == Producers) { work(); }
        else { drain(); }
    }

    void produce(std::uint32_t me) {
        if (Turns == turns::of_each_thread) {
            while (!take_row()) { rl::yield(1, info()); }
        }
        for (std::uint32_t n = 0; n < Each; ++n) {
            while (!in_turn([&] { return ring.reserve(); })) { rl::yield(1, info()); }
            // Between the two others have their turn: on the shared lane a place is not a slot yet.
            in_turn([&] { return publish(me * Each + n); });
            if (n == 0 && in_turn([&] { return ring.reserve(); })) { ring.drop(); }  // outside the lock
        }
        if (Turns == turns::of_each_thread) { give_row_back(); }
    }
    bool publish(std::uint32_t request) {
        const auto one = ring.claim();
        const auto was = cells[one.slot].state.get();
        require(was == cell::state_type::free || was == cell::state_type::done, "the slot of a reserved place is not in use");
        cells[one.slot].request(info()).store(request);
        ring.publish(one);
        return true;
    }
    template <class Act>
    bool in_turn(Act&& act) {
        if (Turns == turns::of_each_call) { lock.lock(info()); }
        cursors(info()).store(cursors(info()).load() + 1);
        const bool done = act();
        if (Turns == turns::of_each_call) { lock.unlock(info()); }
        return done;
    }
    bool take_row() {
        lock.lock(info());
        const bool mine = !taken;
        taken = true;
        lock.unlock(info());
        return mine;
    }
    void give_row_back() {
        lock.lock(info());
        taken = false;
        lock.unlock(info());
    }

    void work() {
        std::uint32_t next_of[Producers] = {};
        for (std::uint32_t served = 0; served < all;) {
            const auto n = ring.consume(all, [&](detail::ticket one, auto) {
                auto& c = cells[one.slot];
                require(c.state.try_run(one.turn), "nobody else takes it");
                const auto request = c.request(info()).load();
                require(request % Each == next_of[request / Each]++, "requests of one thread come in its order");
                c.reply(info()).store(request);
                c.state.finish(one.turn);
                ++served;
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void drain() {
        for (std::uint32_t delivered = 0; delivered < all;) {
            const auto n = ring.take_ended(all, false, [&](std::uint32_t slot) {
                const auto reply = cells[slot].reply(info()).load();
                require(reply % Each == delivered_of[reply / Each]++, "replies to one thread come in its order, each once");
                ring.recycle(slot, false);
                ++delivered;
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void after() {
        for (const auto n : delivered_of) { require(n == Each, "every request is answered"); }
    }
};

template <std::uint32_t Producers, std::uint32_t Each, std::uint32_t Places>
using shared = many_producers<turns::of_each_call, Producers, Each, Places>;
template <std::uint32_t Producers, std::uint32_t Each, std::uint32_t Places>
using handed_over = many_producers<turns::of_each_thread, Producers, Each, Places>;

}  // namespace

bool hunt_shared_lane() {
    return explore_random<shared<2, 2, 2>>("shared lane 2x2, 2 places", 20'000) &&
           explore_random<handed_over<2, 2, 2>>("lane handed over 2x2, 2 places", 20'000);
}

#ifndef NUMASIO_HUNT
bool check_shared_lane(bool deep) {
    return hunt_shared_lane() && explore_few<shared<2, 1, 1>>("shared lane 2x1, 1 place", deep ? 2 : 1) &&
           explore_few<handed_over<2, 1, 1>>("lane handed over 2x1, 1 place", 1) &&
           explore_random<shared<3, 2, 2>>("shared lane 3x2, 2 places", deep ? 100'000 : 10'000) &&
           explore_random<handed_over<3, 2, 2>>("lane handed over 3x2, 2 places", deep ? 100'000 : 10'000);
}
#endif

}  // namespace numasio::model
