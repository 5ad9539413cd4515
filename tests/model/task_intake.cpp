// A node's intake, its inbox with the list behind: nothing is lost or taken twice, and who takes alone has each thread's tasks in order.
#include "tests/model/model_pool.hpp"

#include <numasio/detail/task_intake.hpp>

namespace numasio::model {
namespace {

struct listed_task {
    checked_plain<listed_task*> next{nullptr};
    rl::var<std::uint32_t> payload;
    std::uint32_t producer = 0, number = 0;
    bool taken = false;
};
using intake_type = detail::basic_task_intake<relacy_atomics, listed_task, model_mutex>;

/// Producers whose tasks are never refused, on two places; consumers take batches until all is taken.
template <unsigned Producers, unsigned Consumers, std::uint32_t Items, std::uint32_t Batch>
struct intake : rl::test_suite<intake<Producers, Consumers, Items, Batch>, Producers + Consumers> {
    intake_type box{2};
    listed_task tasks[Producers][Items];
    std::uint32_t total = 0, next[Producers] = {};

    void thread(unsigned index) {
        if (index < Producers) { return produce(index); }
        while (total < Producers * Items) {
            if (box.take(Batch, [this](listed_task* one) { use(one); }) == 0) { rl::yield(1, info()); }
        }
    }
    void produce(unsigned me) {
        for (std::uint32_t n = 0; n < Items; ++n) {
            auto& one = tasks[me][n];
            one.producer = me;
            one.number = n;
            one.payload(info()).store(n + 1);
            require(box.push(&one, false), "it is not refused");
        }
    }
    void use(listed_task* one) {
        require(!std::exchange(one->taken, true), "a task is taken once");
        require(one->payload(info()).load() == one->number + 1, "a task is as it was written");
        one->payload(info()).store(0);
        if (Consumers == 1) { require(one->number == next[one->producer]++, "a thread's tasks come in order"); }
        ++total;
    }
    void after() { require(!box.has_some() && box.size() == 0, "nothing is left"); }
};

/// New work is refused while older waits in the list, although the inbox has room; then it is taken in again.
struct refusing : rl::test_suite<refusing, 2> {
    intake_type box{2};
    listed_task tasks[4];

    void thread(unsigned index) {
        if (index != 0) { return; }
        const auto nothing = [](listed_task*) {};
        require(box.push(&tasks[0], true) && box.push(&tasks[1], true) && !box.push(&tasks[2], true), "two places");
        require(box.push(&tasks[2], false) && box.size() == 3, "into the list");
        require(box.take(1, nothing) == 1 && !box.push(&tasks[3], true), "what is listed came first");
        require(box.take(3, nothing) == 2 && !box.has_some() && box.push(&tasks[3], true), "the list is empty");
    }
};

/// The intake as a pool's: who looks for a task before a sleep sees those of the list.
class pool_intake {
public:
    void put(unsigned task) { require(box_.push(&tasks_[task], false), "it is not refused"); }
    int take() {
        int taken = -1;
        box_.take(1, [&](listed_task* one) { taken = static_cast<int>(one - tasks_); });
        return taken;
    }
    bool has_some() const { return box_.has_some(); }
    std::uint32_t size() const { return box_.size(); }

private:
    listed_task tasks_[4];
    intake_type box_{2};
};

template <unsigned Workers>
struct joined : rl::test_suite<joined<Workers>, Workers + 2> {
    using pool_type = model_pool<joined, Workers, false, pool_intake>;
    pool_type pool{*this};
    unsigned ran = 0, placed = 0;

    void thread(unsigned index) {
        if (index < Workers) { return pool.workers[index]->run(); }
        for (unsigned i = 0; i < 2; ++i) { pool.place((index - Workers) * 2 + i); }
        if (++placed == 2) { pool.join(); }
    }
    void run(auto&, int) { ++ran; }
    void event(auto&) {}
    void after() { require(ran == 4, "what was queued before has run when the pool is over"); }
};

}  // namespace

bool hunt_task_intake() {
    return explore_random<refusing>("intake, refused", 10) && explore_random<intake<1, 1, 4, 2>>("intake 1x1, 4 tasks", 20'000) &&
           explore_random<intake<2, 1, 3, 2>>("intake 2x1, 3 tasks each", 60'000) && explore_random<intake<2, 2, 2, 2>>("intake 2x2, 2 tasks each", 40'000) &&
           explore_random<joined<2>>("intake of 2 workers, 4 tasks", 20'000);
}

#ifndef NUMASIO_HUNT
bool check_task_intake(bool deep) {
    return hunt_task_intake() && explore_few<intake<1, 1, 3, 2>>("intake 1x1, 3 tasks", deep ? 4 : 3) &&
           explore_few<intake<2, 1, 2, 2>>("intake 2x1, 2 tasks each", deep ? 2 : 1) &&
           explore_few<intake<1, 2, 3, 2>>("intake 1x2, 3 tasks", deep ? 2 : 1) &&
           explore_random<intake<3, 1, 3, 2>>("intake 3x1, 3 tasks each", deep ? 1'000'000 : 20'000) &&
           explore_random<intake<3, 2, 3, 2>>("intake 3x2, 3 tasks each", deep ? 1'000'000 : 20'000);
}
#endif

}  // namespace numasio::model
