// A pin ends with its scope, and says exactly what the kernel made of it.
#include <numasio/scoped_pin.hpp>

#include "support/threads.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <thread>
#include <type_traits>

namespace {

using namespace numasio;
using numasio::test::on_new_thread;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(scoped_pin, gives_the_thread_back_the_cpus_that_it_had) {
    on_new_thread([] {
        const auto before = this_thread_cpus();
        for (const auto cpu : before) {
            const scoped_pin pin(cpu);
            EXPECT_TRUE(pin.result());
            EXPECT_EQ(this_thread_cpus(), std::vector{cpu});
            EXPECT_EQ(pin.result().got, std::vector{cpu});
            EXPECT_EQ(current_cpu(), cpu);
        }
        EXPECT_EQ(this_thread_cpus(), before);
    });
}

TEST(scoped_pin, nests) {
    on_new_thread([] {
        const auto before = this_thread_cpus();
        const scoped_pin outer(before.front());
        {
            const scoped_pin inner(before.back());
            EXPECT_EQ(this_thread_cpus(), std::vector{before.back()});
        }
        EXPECT_EQ(this_thread_cpus(), std::vector{before.front()});
    });
}

TEST(scoped_pin, tells_a_part_from_nothing) {
    on_new_thread([] {
        const auto before = this_thread_cpus();
        {
            const std::vector<cpu_id> some{before.front(), cpu_id{4000}};
            const scoped_pin pin(some);
            EXPECT_FALSE(pin.result());
            EXPECT_TRUE(pin.result().partial());
            EXPECT_EQ(pin.result().got, std::vector{before.front()});
        }
        EXPECT_EQ(this_thread_cpus(), before);
        {
            const scoped_pin none(cpu_id{4000});
            EXPECT_EQ(none.result().error, boost::system::errc::invalid_argument);
            EXPECT_FALSE(none.result().partial());
            EXPECT_EQ(this_thread_cpus(), before);
        }
        EXPECT_EQ(this_thread_cpus(), before);
    });
}

TEST(scoped_pin, stays_on_its_thread) {
    static_assert(!std::is_move_constructible_v<scoped_pin> && !std::is_copy_constructible_v<scoped_pin>);
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // a new process: a fork of one with threads is no place for more
    EXPECT_DEATH(
        {
            std::optional<scoped_pin> pin;
            pin.emplace(this_thread_cpus());
            std::thread([&] { pin.reset(); }).join();
        },
        "destroyed by another thread");
}

/// Two nodes of two cores with two hardware threads each; a cache for each node; CPU 5 is not allowed.
topology smt_machine() {
    topology machine;
    for (std::uint32_t i = 0; i < 8; ++i) {
        const std::uint32_t node = i / 4;
        machine.cpus.push_back({cpu_id{i}, node_id{node}, i / 2, node, node, i % 2, i != 5});
    }
    return machine;
}

TEST(cpu_sets, are_of_a_node_a_cache_or_a_core_and_hold_one_or_all_hardware_threads) {
    const auto machine = smt_machine();
    const auto one = smt_policy::first_thread;
    EXPECT_THAT(cpus_of_node(machine, node_id{0}), ElementsAre(cpu_id{0}, cpu_id{1}, cpu_id{2}, cpu_id{3}));
    EXPECT_THAT(cpus_of_node(machine, node_id{0}, one), ElementsAre(cpu_id{0}, cpu_id{2}));
    EXPECT_THAT(cpus_of_node(machine, node_id{1}), ElementsAre(cpu_id{4}, cpu_id{6}, cpu_id{7}));
    EXPECT_THAT(cpus_of_cache(machine, cpu_id{7}, one), ElementsAre(cpu_id{4}, cpu_id{6}));
    EXPECT_THAT(cpus_of_core(machine, cpu_id{4}), ElementsAre(cpu_id{4}));
    EXPECT_THAT(cpus_of_core(machine, cpu_id{6}), ElementsAre(cpu_id{6}, cpu_id{7}));
    EXPECT_THAT(cpus_of_node(machine, node_id{9}), IsEmpty());
    EXPECT_THAT(cpus_of_core(machine, cpu_id{99}), IsEmpty());
}

TEST(cpu_sets, of_a_core_whose_first_thread_is_not_allowed_begin_with_the_next) {
    auto machine = smt_machine();
    machine.cpus[6].allowed = false;
    EXPECT_THAT(cpus_of_node(machine, node_id{1}, smt_policy::first_thread), ElementsAre(cpu_id{4}, cpu_id{7}));
}

}  // namespace
