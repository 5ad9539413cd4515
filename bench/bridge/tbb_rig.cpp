// oneTBB one way: an arena with one worker and no place for the outside thread, which enqueues.
#include "empty_task.hpp"
#include "round_trips.hpp"

#ifdef NUMASIO_HAS_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#endif

#include <chrono>

namespace numasio::bench {
namespace {

constexpr const char* enqueue_name = "oneTBB task_arena::enqueue, 1 worker";
constexpr const char* group_name = "oneTBB task_group in that arena, enqueued by defer";

#ifdef NUMASIO_HAS_TBB

namespace tbb = oneapi::tbb;

class pin_on_entry final : public tbb::task_scheduler_observer {
public:
    pin_on_entry(tbb::task_arena& arena, cpu_id cpu) : tbb::task_scheduler_observer(arena), cpu_(cpu) { observe(true); }
    ~pin_on_entry() override { observe(false); }
    void on_scheduler_entry(bool) override { pin(cpu_); }

private:
    cpu_id cpu_;
};

class tbb_rig final : public rig {
public:
    explicit tbb_rig(const std::vector<cpu_id>& cpus) : here_(cpus[0]), pinned_(arena_, cpus[1]) {}

    std::vector<contender> round_trips(int, int) override { return {}; }
    std::vector<contender> one_way(int count) override {
        return {{enqueue_name, [=, this] { return measure(count, [this](empty_task task) { arena_.enqueue(task); }); }},
                {group_name, [=, this] {
                    tbb::task_group group;
                    const auto rate = measure(count, [&](empty_task task) { arena_.enqueue(group.defer(task)); });
                    arena_.execute([&] { group.wait(); });
                    return rate;
                }}};
    }

private:
    template <class Submit>
    double measure(int count, Submit submit) {
        pin(here_);
        task_count done;
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i) { submit(empty_task(done)); }
        done.wait_for(static_cast<std::uint64_t>(count));
        return count / seconds_since(start) / 1e6;
    }

    cpu_id here_;
    tbb::global_control threads_{tbb::global_control::max_allowed_parallelism, 2};
    tbb::task_arena arena_{1, 0};
    pin_on_entry pinned_;
};

#else

class tbb_rig final : public rig {
public:
    explicit tbb_rig(const std::vector<cpu_id>&) {}
    std::vector<contender> round_trips(int, int) override { return {}; }
    std::vector<contender> one_way(int) override {
        return {{enqueue_name, {}, NUMASIO_NO_TBB}, {group_name, {}, NUMASIO_NO_TBB}};
    }
};

#endif

}  // namespace

std::unique_ptr<rig> make_tbb_rig(const std::vector<cpu_id>& cpus) { return std::make_unique<tbb_rig>(cpus); }

}  // namespace numasio::bench
