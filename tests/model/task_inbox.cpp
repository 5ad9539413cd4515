// A node's inbox: each task is taken once, a producer's in order, and as it was written; a place is used again only then.
#include "search.hpp"

#include <numasio/detail/task_inbox.hpp>

namespace numasio::model {
namespace {

/// Producers that find it full try again, consumers take batches until all is taken.
template <int Producers, int Consumers, std::uint32_t Items, std::uint32_t Capacity, std::uint32_t Batch>
struct inbox : rl::test_suite<inbox<Producers, Consumers, Items, Capacity, Batch>, Producers + Consumers> {
    struct task {
        rl::var<std::uint32_t> payload;
        int producer = 0;
        std::uint32_t number = 0;
        bool taken = false;
    };
    detail::basic_task_inbox<relacy_atomics, task> box{Capacity};
    task tasks[Producers][Items];
    std::uint32_t total = 0;

    void thread(unsigned index) {
        if (index < Producers) { produce(static_cast<int>(index)); }
        else { consume(); }
    }
    void produce(int me) {
        for (std::uint32_t n = 0; n < Items; ++n) {
            auto& one = tasks[me][n];
            one.producer = me;
            one.number = n;
            one.payload(info()).store(n + 1);
            while (!box.push(&one)) { rl::yield(1, info()); }
        }
    }
    void consume() {
        std::uint32_t next[Producers] = {};
        while (total < Producers * Items) {
            const auto n = box.take(Batch, [&](task* one) {
                require(!std::exchange(one->taken, true), "a task is taken once");
                require(one->number >= next[one->producer], "a producer's tasks come in order");
                next[one->producer] = one->number + 1;
                require(one->payload(info()).load() == one->number + 1, "a task is as it was written");
                one->payload(info()).store(0);
                ++total;
            });
            if (n == 0) { rl::yield(1, info()); }
        }
    }
    void after() {
        require(!box.has_some() && box.size() == 0, "nothing is left");
        for (auto& of_one : tasks) {
            for (auto& one : of_one) { require(one.taken, "every task is taken"); }
        }
    }
};

/// What was added before is seen by a look behind the fences of a sleeper and of who rings: has_some() and size().
struct seen : rl::test_suite<seen, 2> {
    struct task {} one;
    detail::basic_task_inbox<relacy_atomics, task> box{2};
    checked_atomic<std::uint32_t> asleep{0}, meeting{0};
    bool rung = false, found = false;

    void thread(unsigned index) {
        if (index == 0) {
            require(box.push(&one), "there is room");
            relacy_atomics::full_fence(meeting);
            rung = asleep.load(rl::mo_relaxed) != 0;
        } else {
            asleep.store(1, rl::mo_relaxed);
            relacy_atomics::full_fence(meeting);
            found = box.has_some() && box.size() == 1;
        }
    }
    void after() { require(rung || found, "a task is seen, or its publisher sees the sleeper"); }
};

}  // namespace

bool hunt_task_inbox() {
    return explore_random<seen>("inbox, a look", 2'000) && explore_random<inbox<1, 1, 4, 2, 2>>("inbox 1x1, 4 tasks on 2 places", 20'000) &&
           explore_random<inbox<2, 2, 2, 2, 2>>("inbox 2x2, 2 tasks each on 2 places", 60'000);
}

#ifndef NUMASIO_HUNT
bool check_task_inbox(bool deep) {
    return hunt_task_inbox() && explore_all<seen>("inbox, a look") &&
           explore_few<inbox<1, 1, 3, 2, 2>>("inbox 1x1, 3 tasks on 2 places", deep ? 4 : 3) &&
           explore_few<inbox<2, 1, 1, 2, 2>>("inbox 2x1, a task each", deep ? 4 : 3) &&
           explore_few<inbox<1, 2, 2, 2, 1>>("inbox 1x2, 2 tasks", deep ? 3 : 2) &&
           explore_random<inbox<3, 2, 3, 4, 3>>("inbox 3x2, 3 tasks each on 4 places", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
