// Tasks that come from other threads keep their order, also where their inbox was full.
#include <numasio/detail/task_intake.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace numasio::detail {
namespace {

struct numbered : pool_task {
    std::uint32_t producer = 0;
    std::uint32_t number = 0;
};

TEST(TaskIntake, keeps_the_order_of_each_thread_although_its_inbox_is_full_at_times) {
    constexpr std::uint32_t producers = 3, each = 100'000;
    task_intake intake(2);
    std::vector<std::vector<numbered>> tasks(producers, std::vector<numbered>(each));
    std::vector<std::jthread> threads;
    for (std::uint32_t p = 0; p < producers; ++p) {
        threads.emplace_back([&, p] {
            for (std::uint32_t i = 0; i < each; ++i) {
                tasks[p][i].producer = p;
                tasks[p][i].number = i;
                intake.push(&tasks[p][i], false);
            }
        });
    }
    std::array<std::uint32_t, producers> next{};
    std::uint32_t overtaken = 0;
    for (std::uint32_t seen = 0; seen < producers * each;) {
        seen += static_cast<std::uint32_t>(intake.take(4, [&](pool_task* task) {
            const auto* const one = static_cast<numbered*>(task);
            overtaken += one->number != next[one->producer]++;
        }));
    }
    EXPECT_EQ(overtaken, 0u);
    EXPECT_FALSE(intake.has_some());
}

TEST(TaskIntake, refuses_new_work_while_older_waits_behind_a_full_inbox) {
    task_intake intake(2);
    std::array<numbered, 4> tasks;
    EXPECT_TRUE(intake.push(&tasks[0], true));
    EXPECT_TRUE(intake.push(&tasks[1], true));
    EXPECT_FALSE(intake.push(&tasks[2], true));
    EXPECT_TRUE(intake.push(&tasks[2], false));
    EXPECT_EQ(intake.size(), 3u);
    std::vector<pool_task*> taken;
    EXPECT_EQ(intake.take(1, [&](pool_task* task) { taken.push_back(task); }), 1u);
    EXPECT_FALSE(intake.push(&tasks[3], true));  // the inbox has room, but what is listed came first
    while (intake.has_some()) { intake.take(4, [&](pool_task* task) { taken.push_back(task); }); }
    EXPECT_EQ(taken, (std::vector<pool_task*>{&tasks[0], &tasks[1], &tasks[2]}));
    EXPECT_TRUE(intake.push(&tasks[3], true));
}

}  // namespace
}  // namespace numasio::detail
