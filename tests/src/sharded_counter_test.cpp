// Counters in rows of each thread: nothing is lost, whoever adds, and whichever threads and counters come and go.
#include "support/last_words.hpp"
#include "support/sanitized.hpp"

#include <numasio/sharded_counter.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

/// Runs `what` on `count` threads and joins them.
template <class What>
void on_threads(int count, What what) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) { threads.emplace_back(what); }
    for (auto& t : threads) { t.join(); }
}

TEST(sharded_counter, counts_what_every_thread_adds_also_when_they_have_ended) {
    sharded_counter events;
    on_threads(4, [&] {
        for (int i = 0; i < 100'000; ++i) { events.add(); }
    });
    events.add(7);
    EXPECT_EQ(events.value(), 400'007);
}

TEST(sharded_counter, what_comes_on_one_thread_may_go_on_another) {
    sharded_counter open;
    on_threads(1, [&] { open.add(1'000); });
    on_threads(3, [&] { open.subtract(300); });
    EXPECT_EQ(open.value(), 100);
    open.subtract(101);
    EXPECT_EQ(open.value(), -1);
    open.add(-1);
    EXPECT_EQ(open.value(), -2);
}

TEST(sharded_counter, a_thread_may_keep_its_share) {
    sharded_counter open;
    on_threads(4, [&] {
        auto mine = open.here();
        for (int i = 0; i < 100'000; ++i) { mine.add(); }
        open.add(10);
        auto same = open.here();
        same.subtract(9);
    });
    EXPECT_EQ(open.value(), 400'004);
}

TEST(sharded_counter, wraps_as_two_s_complement_does) {
    sharded_counter n;
    n.add(std::numeric_limits<std::int64_t>::max());
    on_threads(1, [&] { n.add(1); });
    EXPECT_EQ(n.value(), std::numeric_limits<std::int64_t>::min());
    n.subtract(std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(n.value(), 0);
}

TEST(sharded_counter, a_new_one_begins_at_zero_on_threads_that_added_to_another_before) {
    std::optional<sharded_counter> counter(std::in_place);
    std::atomic<int> step{0};
    std::thread other([&] {
        counter->add(5);
        step = 1;
        step.notify_all();
        step.wait(1);
        counter->add(2);
    });
    step.wait(0);
    counter->add(4);
    EXPECT_EQ(counter->value(), 9);
    counter.emplace();
    EXPECT_EQ(counter->value(), 0);
    step = 2;
    step.notify_all();
    other.join();
    EXPECT_EQ(counter->value(), 2);
}

TEST(sharded_counter, many_do_not_mix) {
    std::list<sharded_counter> counters(1'000);
    on_threads(3, [&] {
        std::int64_t n = 0;
        for (auto& c : counters) { c.add(n++); }
    });
    std::int64_t n = 0;
    for (const auto& c : counters) { EXPECT_EQ(c.value(), 3 * n++); }
}

TEST(sharded_counter, one_too_many_is_a_length_error_and_one_that_goes_makes_room) {
    std::list<std::unique_ptr<sharded_counter>> counters;
    EXPECT_THROW({ for (;;) { counters.push_back(std::make_unique<sharded_counter>()); } }, std::length_error);
    EXPECT_LE(counters.size(), 8'000U);
    EXPECT_GT(counters.size(), 7'900U);  // the library has few of its own
    counters.front()->add(3);
    counters.pop_front();
    const sharded_counter last;
    EXPECT_EQ(last.value(), 0);
    EXPECT_THROW(sharded_counter(), std::length_error);
}

TEST(sharded_counter, counts_while_its_thread_ends) {
    static std::optional<sharded_counter> events;
    events.emplace();
    struct counts_late {
        ~counts_late() { events->add(); }
    };
    on_threads(3, [] {
        thread_local const counts_late late;
        static_cast<void>(&late);
        say_at_last([] {
            EXPECT_EQ(detail::row_of_this_thread, nullptr);
            events->add(100);
        });
        events->add(10);
        EXPECT_NE(detail::row_of_this_thread, nullptr);
    });
    EXPECT_EQ(events->value(), 333);
    events.reset();
}

TEST(sharded_counter, while_threads_count_and_end_its_value_neither_falls_nor_runs_ahead) {
    sharded_counter events;
    std::atomic<std::int64_t> begun{0}, ended{0};
    std::atomic<bool> over{false};
    std::thread reader([&] {
        std::int64_t last = 0;
        while (!over) {
            const auto least = ended.load();
            const auto now = events.value();
            const auto most = begun.load();
            EXPECT_GE(now, std::max(last, least));
            EXPECT_LE(now, most);
            last = now;
        }
    });
    for (int round = 0; round < 200; ++round) {
        on_threads(2, [&] {
            for (int i = 0; i < 100; ++i) {
                begun.fetch_add(1);
                events.add();
                ended.fetch_add(1);
            }
        });
    }
    over = true;
    reader.join();
    EXPECT_EQ(events.value(), 200 * 200);
}

TEST(sharded_counter, counters_come_and_go_while_threads_do) {
    on_threads(3, [] {
        for (int i = 0; i < 300; ++i) {
            sharded_counter mine;
            mine.add(i);
            std::thread([&] { mine.subtract(1); }).join();
            EXPECT_EQ(mine.value(), i - 1);
        }
    });
}

#ifndef NUMASIO_SANITIZED  // theirs needs memory of its own to go on
[[noreturn]] void count_without_memory() {
    sharded_counter events;
    std::thread([&] {
        const rlimit nothing_more{0, 0};
        if (::setrlimit(RLIMIT_AS, &nothing_more) != 0) { std::_Exit(1); }
        events.add(2);
        events.add(3);
        if (detail::row_of_this_thread != nullptr) { std::_Exit(2); }
        std::_Exit(events.value() == 5 ? 0 : 3);
    }).join();
    std::_Exit(4);
}

TEST(sharded_counter, a_thread_that_can_have_no_memory_of_its_own_counts_all_the_same) {
    EXPECT_EXIT(count_without_memory(), testing::ExitedWithCode(0), "");
}
#endif

TEST(sharded_counter, may_be_a_static_that_main_leaves_behind) {
    EXPECT_EXIT(
        {
            static sharded_counter events;
            events.add();
            std::atexit([] { std::_Exit(events.value() == 1 ? 0 : 1); });
            std::exit(2);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace numasio::test
