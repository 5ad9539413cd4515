// Slots on their way back: every pushed slot is taken once, with what its pusher wrote.
#include "search.hpp"

#include <numasio/detail/slot_list.hpp>

namespace numasio::model {
namespace {

/// Pushers take slots from a free list of their own and push them; one taker takes and frees them, so that
/// the same slots come round again (the case in which a list popped one by one would suffer from ABA).
template <std::uint32_t Pushers, std::uint32_t Own, std::uint32_t Rounds>
struct round_trip : rl::test_suite<round_trip<Pushers, Own, Rounds>, Pushers + 1> {
    static constexpr std::uint32_t slots = Pushers * Own;
    using list = detail::basic_slot_list<relacy_atomics>;

    list pushed;
    list freed[Pushers];
    rl::var<std::uint32_t> next[slots];
    rl::var<std::uint32_t> written[slots];
    std::uint32_t pushes[slots] = {};
    std::uint32_t taken[slots] = {};

    auto link() {
        return [this](std::uint32_t slot) { return next[slot](info()); };
    }

    void before() {
        for (std::uint32_t slot = 0; slot < slots; ++slot) { freed[slot / Own].push(slot, link()); }
    }

    void thread(unsigned index) {
        if (index < Pushers) { push_all(freed[index]); }
        else { take_all(); }
    }

    void push_all(list& mine) {
        std::uint32_t chain = detail::no_slot;
        for (std::uint32_t n = 0; n < Rounds; ++n) {
            while (chain == detail::no_slot && (chain = mine.take_all()) == detail::no_slot) {
                rl::yield(1, info());
            }
            const auto slot = chain;
            chain = next[slot](info()).load();
            written[slot](info()).store(++pushes[slot]);
            pushed.push(slot, link());
        }
    }

    void take_all() {
        for (std::uint32_t total = 0; total < Pushers * Rounds;) {
            auto chain = pushed.take_all();
            if (chain == detail::no_slot) { rl::yield(1, info()); }
            for (; chain != detail::no_slot; ++total) {
                const auto slot = chain;
                chain = next[slot](info()).load();
                require(written[slot](info()).load() == ++taken[slot], "a slot comes once for each push");
                freed[slot / Own].push(slot, link());
            }
        }
    }

    void after() {
        for (std::uint32_t slot = 0; slot < slots; ++slot) { require(taken[slot] == pushes[slot], "no slot is lost"); }
        require(pushed.empty(), "nothing is left");
    }
};

/// The steady state of a lane that was not stopped: a look at an empty list writes nothing.
struct empty_list : rl::test_suite<empty_list, 1> {
    detail::basic_slot_list<relacy_atomics> list;

    void thread(unsigned) {
        const auto writes = exchanges;
        require(list.empty() && list.take_all() == detail::no_slot, "an empty list is empty");
        require(exchanges == writes, "a look at an empty list writes nothing");
    }
};

}  // namespace

bool hunt_slot_list() {
    return explore_random<empty_list>("slot list, empty", 10) &&
           explore_random<round_trip<2, 1, 2>>("slot list 2x1, 2 rounds", 50'000);
}

#ifndef NUMASIO_HUNT
bool check_slot_list(bool deep) {
    return hunt_slot_list() && explore_few<round_trip<2, 1, 1>>("slot list 2x1, 1 round", deep ? 4 : 2) &&
           (!deep || explore_few<round_trip<2, 1, 2>>("slot list 2x1, 2 rounds", 1)) &&
           explore_random<round_trip<2, 2, 3>>("slot list 2x2, 3 rounds", deep ? 1'000'000 : 50'000) &&
           explore_random<round_trip<3, 1, 2>>("slot list 3x1, 2 rounds", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
