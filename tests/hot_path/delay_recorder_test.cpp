// Delays by shared readings of the clock, which is made up here: how many readings, and how far a delay may be off.
#include <numasio/detail/delay_recorder.hpp>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace numasio::detail {
namespace {

struct made_up {
    static std::int64_t now_ns() noexcept {
        ++readings;
        return now;
    }
    static inline std::int64_t now = 0;
    static inline int readings = 0;
};
using recorder = basic_delay_recorder<made_up>;

struct delay_recorder_of : testing::Test {
    delay_recorder_of() {
        made_up::now = 1'000'000'000;
        made_up::readings = 0;
    }
    /// A thing that had waited for `waited_ns` and takes `takes_ns`.
    void one(recorder& to, std::int64_t waited_ns, std::int64_t takes_ns) {
        to.begins(made_up::now - waited_ns);
        made_up::now += takes_ns;
    }
    latency_histogram recorded() const { return into.snapshot(); }

    single_writer_histogram into;
};

TEST_F(delay_recorder_of, slow_things_reads_the_clock_for_each) {
    recorder to(into);
    for (int i = 0; i < 100; ++i) { one(to, 5'000, 300); }
    to.end();
    EXPECT_EQ(made_up::readings, 100);
    EXPECT_EQ(recorded().total_ns, 100u * 5'000);
}

TEST_F(delay_recorder_of, quick_things_reads_it_for_four) {
    recorder to(into);
    for (int i = 0; i < 101; ++i) { one(to, 5'000, 20); }
    to.end();
    EXPECT_LE(made_up::readings, 1 + 100 / 4 + 1);
    EXPECT_EQ(recorded().count(), 101u);
    EXPECT_NEAR(static_cast<double>(recorded().total_ns), 101 * 5'000, 101 * 60) << "each began 60 ns after its reading at most";
}

TEST_F(delay_recorder_of, a_thing_alone_reads_it_once) {
    recorder to(into);
    one(to, 700, 20);
    to.end();
    EXPECT_EQ(made_up::readings, 1);
    EXPECT_EQ(recorded().total_ns, 700u);
}

TEST_F(delay_recorder_of, what_follows_a_slow_one_is_never_recorded_too_short) {
    for (int slow_one = 0; slow_one < 12; ++slow_one) {
        single_writer_histogram mine;
        recorder to(mine);
        std::int64_t waited = 0;
        for (int i = 0; i < 12; ++i) {
            const auto all_came_at = std::int64_t{1'000'000'000};
            made_up::now = i == 0 ? all_came_at : made_up::now;
            to.begins(all_came_at);
            waited += made_up::now - all_came_at;
            made_up::now += i == slow_one ? 50'000'000 : 20;
        }
        to.end();
        const auto total = static_cast<std::int64_t>(mine.snapshot().total_ns);
        EXPECT_GE(total, waited - 12 * recorder::longest_ns) << slow_one;
        EXPECT_LE(total, waited + 3 * 50'000'000 + 12 * recorder::longest_ns) << slow_one << ": it and two more share a reading";
    }
}

TEST_F(delay_recorder_of, any_mixture_is_recorded_no_shorter_than_it_was) {
    std::mt19937_64 made(1);
    for (int round = 0; round < 2'000; ++round) {
        single_writer_histogram mine;
        recorder to(mine);
        std::vector<std::int64_t> delays;
        for (int i = 0; i < 40; ++i) {
            const auto waited = static_cast<std::int64_t>(made() % 100'000);
            to.begins(made_up::now - waited);
            delays.push_back(waited);
            made_up::now += static_cast<std::int64_t>(made() % 4 == 0 ? made() % 3'000 : made() % 60);
            if (made() % 16 == 0) { to.end(); }
        }
        to.end();
        std::int64_t total = 0;
        for (const auto one : delays) { total += one; }
        EXPECT_EQ(mine.snapshot().count(), delays.size());
        EXPECT_GE(static_cast<std::int64_t>(mine.snapshot().total_ns), total - 40 * recorder::longest_ns);
    }
}

}  // namespace
}  // namespace numasio::detail
