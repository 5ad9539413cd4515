// Sleeping and waking on a word, and the count of forks.
#include <numasio/detail/platform.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace {

using namespace numasio::detail;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

TEST(futex, a_word_that_has_changed_already_is_not_slept_on) {
    std::atomic<std::uint32_t> word{1};
    futex_wait(word, 0);  // would hang
    EXPECT_TRUE(futex_wait_for(word, 0, 1h));
}

TEST(futex, a_wait_without_a_wake_ends_at_its_time_out) {
    std::atomic<std::uint32_t> word{0};
    const auto start = steady::now();
    EXPECT_FALSE(futex_wait_for(word, 0, 20ms));
    EXPECT_GE(steady::now() - start, 20ms);
    EXPECT_FALSE(futex_wait_for(word, 0, -1s));
}

TEST(futex, a_wake_ends_the_wait) {
    std::atomic<std::uint32_t> word{0};
    std::atomic<bool> woken{false};
    std::thread sleeper([&] {
        while (word.load() == 0) { futex_wait(word, 0); }
        woken = true;
    });
    std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(woken);
    word = 1;
    futex_wake_one(word);
    sleeper.join();
    EXPECT_TRUE(woken);
}

TEST(futex, one_wake_wakes_one_of_two_sleepers) {
    std::atomic<std::uint32_t> word{0};
    std::atomic<int> awake{0};
    const auto sleep = [&] {
        if (futex_wait_for(word, 0, 10s)) { ++awake; }
    };
    std::thread first(sleep);
    std::thread second(sleep);
    while (awake == 0) {
        futex_wake_one(word);
        std::this_thread::sleep_for(1ms);
    }
    while (awake < 2) {
        futex_wake_one(word);
        std::this_thread::sleep_for(1ms);
    }
    first.join();
    second.join();
    EXPECT_EQ(awake, 2);
}

TEST(fork_generation, changes_in_a_forked_child_and_not_in_its_parent) {
    const std::uint32_t before = fork_generation();
    const pid_t child = ::fork();
    if (child == 0) { ::_exit(fork_generation() == before ? 1 : 0); }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(fork_generation(), before);
}

}  // namespace
