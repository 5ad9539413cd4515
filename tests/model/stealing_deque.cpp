// A worker's deque: each task is taken once, by its owner or by a thief, and as it was written.
#include "search.hpp"

#include <numasio/detail/stealing_deque.hpp>

namespace numasio::model {
namespace {

enum class end { newest, oldest };

/// The owner adds `Items`, and takes one after each whose number `takes_after` names and where all places are taken; then all that is left.
template <std::uint32_t Places, std::uint32_t Items, int Thieves, int Steals, end From, std::uint32_t TakesAfter = 0>
struct stealing : rl::test_suite<stealing<Places, Items, Thieves, Steals, From, TakesAfter>, Thieves + 1> {
    struct item {
        rl::var<std::uint32_t> payload;
        std::uint32_t taken = 0;
    };
    using deque_type = detail::basic_stealing_deque<relacy_atomics, item, Places>;
    deque_type deque;
    item items[Items];

    void thread(unsigned index) {
        if (index == 0) { return own(); }
        for (int i = 0; i < Steals; ++i) {
            const auto got = deque.steal();
            require((got.how == deque_type::outcome::stolen) == (got.item != nullptr), "what is stolen is there");
            if (got.item != nullptr) { use(got.item); }
        }
    }
    void own() {
        for (std::uint32_t i = 0; i < Items; ++i) {
            items[i].payload(info()).store(i + 1);
            while (!deque.push(&items[i])) { take(); }
            if ((TakesAfter >> i & 1) != 0) { take(); }
        }
        while (take()) {}
    }
    bool take() {
        auto* const one = From == end::newest ? deque.take_newest() : deque.take_oldest();
        if (one != nullptr) { use(one); }
        return one != nullptr;
    }
    /// Writes the payload: two who have the same item are a data race too.
    void use(item* one) {
        const auto number = static_cast<std::uint32_t>(one - items);
        require(++one->taken == 1, "a task is taken once");
        require(one->payload(info()).load() == number + 1, "a task is as it was written");
        one->payload(info()).store(0);
    }
    void after() {
        for (const auto& one : items) { require(one.taken == 1, "every task is taken"); }
        require(deque.size() == 0, "nothing is left");
    }
};

}  // namespace

bool hunt_stealing_deque() {
    return explore_random<stealing<2, 3, 1, 2, end::newest>>("deque, a thief, 3 tasks on 2 places", 40'000) &&
           explore_random<stealing<4, 3, 2, 2, end::newest, 0b010>>("deque, two thieves, one taken between", 60'000) &&
           explore_random<stealing<4, 3, 2, 2, end::newest, 0b110>>("deque, two thieves, two taken between", 60'000) &&
           explore_random<stealing<2, 4, 2, 2, end::newest>>("deque, two thieves, 4 tasks on 2 places", 60'000) &&
           explore_random<stealing<2, 4, 2, 2, end::oldest>>("deque, two thieves, the oldest first", 40'000);
}

#ifndef NUMASIO_HUNT
bool check_stealing_deque(bool deep) {
    return hunt_stealing_deque() && explore_all<stealing<2, 1, 1, 1, end::newest>>("deque, a thief, a task") &&
           explore_all<stealing<2, 1, 1, 1, end::oldest>>("deque, a thief, a task, the oldest first") &&
           explore_few<stealing<2, 3, 1, 2, end::newest>>("deque, a thief, 3 tasks on 2 places", deep ? 6 : 4) &&
           explore_few<stealing<4, 3, 2, 1, end::newest, 0b010>>("deque, two thieves, one taken between", deep ? 4 : 3) &&
           explore_few<stealing<2, 3, 2, 1, end::oldest>>("deque, two thieves, the oldest first", deep ? 4 : 3) &&
           explore_random<stealing<4, 6, 3, 3, end::newest, 0b011010>>("deque, three thieves, 6 tasks on 4 places", deep ? 2'000'000 : 30'000) &&
           explore_random<stealing<4, 6, 3, 3, end::oldest, 0b011010>>("deque, three thieves, 6 tasks, the oldest first", deep ? 2'000'000 : 30'000);
}
#endif

}  // namespace numasio::model
