// Calls that wait for a place: each gets one, in turn, whoever gives places back, and one at a time acts as the producer.
#include "search.hpp"

#include <numasio/detail/lane_credit.hpp>
#include <numasio/detail/waiting_line.hpp>

#include <relacy/stdlib/mutex.hpp>

namespace numasio::model {
namespace {

/// A producer as port::begin() and lane::wait(), a drain that ends what was published and gives its place back, a thread that drops a
/// reservation. `side` stands for what the producer's side keeps for itself: plain memory, in which no checker sees a race.
template <std::uint32_t Calls, std::uint32_t Places>
struct waiting_calls : rl::test_suite<waiting_calls<Calls, Places>, 3> {
    detail::basic_lane_credit<relacy_atomics> credit{Places};
    detail::basic_waiting_line<relacy_atomics> line;
    rl::mutex lock;
    rl::var<std::uint32_t> side;
    rl::var<std::uint32_t> waiting;
    std::uint32_t asked = 0, entered = 0;
    typename relacy_atomics::template atomic<std::uint32_t> published{0};

    void before() {
        side(info()).store(0);
        waiting(info()).store(0);
        require(credit.take(), "the place of a reservation");
    }
    void thread(unsigned index) {
        switch (index) {
            case 0: return produce();
            case 1: return drain();
            default: return drop();
        }
    }

    void produce() {
        for (; asked < Calls;) {
            const bool locked = line.stands();
            if (locked) { lock.lock(info()); }
            ++asked;
            const bool has_place = !line.stands() && take();
            if (has_place) { publish(); }
            if (locked) { lock.unlock(info()); }
            if (has_place) { continue; }
            lock.lock(info());
            waiting(info()).store(waiting(info()).load() + 1);
            if (!line.stands()) { line.form(); }
            admit();
            lock.unlock(info());
        }
    }
    bool take() {
        side(info()).store(side(info()).load() + 1);
        return credit.take();
    }
    void publish() { published.store(++entered, relacy_atomics::release); }
    void admit() {
        while (waiting(info()).load() != 0 && take()) {
            waiting(info()).store(waiting(info()).load() - 1);
            publish();
        }
        if (waiting(info()).load() == 0) { line.dissolve(); }
    }
    void gave_back() {
        if (!line.has_heard()) { return; }
        lock.lock(info());
        admit();
        lock.unlock(info());
    }
    void drain() {
        for (std::uint32_t ended = 0; ended < Calls;) {
            if (published.load(relacy_atomics::acquire) == ended) {
                rl::yield(1, info());
                continue;
            }
            ++ended;
            credit.recycle();
            gave_back();
        }
    }
    void drop() {
        credit.drop();
        gave_back();
    }
    void after() {
        require(entered == Calls, "every call got a place");
        require(!line.stands(), "no line stands for nobody");
    }
};

}  // namespace

bool hunt_waiting_line() {
    return explore_random<waiting_calls<3, 1>>("waiting line, 3 calls, 1 place", 50'000) &&
           explore_random<waiting_calls<4, 2>>("waiting line, 4 calls, 2 places", 50'000) &&
           explore_few<waiting_calls<2, 1>>("waiting line, 2 calls, 1 place", 2);
}

#ifndef NUMASIO_HUNT
bool check_waiting_line(bool deep) {
    return hunt_waiting_line() && explore_few<waiting_calls<2, 1>>("waiting line, 2 calls, 1 place", deep ? 4 : 3) &&
           explore_random<waiting_calls<6, 2>>("waiting line, 6 calls, 2 places", deep ? 1'000'000 : 50'000);
}
#endif

}  // namespace numasio::model
