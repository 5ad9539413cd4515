// Streams on several threads: read by one after the other, refused where a thread's lane is full, and many at once with early ends.
#include <numasio/stream.hpp>

#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

/// The numbers from 0 to below `end`, each when the gate is open; counts those that live.
class range {
public:
    explicit range(int end) : end_(end) { ++open; }
    range(range&& other) noexcept : end_(other.end_), at_(other.at_) { ++open; }
    range& operator=(range&&) = delete;
    ~range() { --open; }
    std::optional<int> next() {
        while (gated::closed.load()) { std::this_thread::yield(); }
        return at_ == end_ ? std::nullopt : std::optional(at_++);
    }
    static inline std::atomic<int> open{0};

private:
    int end_;
    int at_ = 0;
};
struct ranges {
    explicit ranges(node_context&) {}
    range operator()(int end) const { return range(end); }
};
using range_port = port<int, stream_of<int>>;

/// The context runs on threads of its own.
class stream_threads : public call {
protected:
    range_port& open(std::uint32_t capacity, std::uint32_t producers, int threads) {
        bridge_.emplace(io_.get_executor(), one_worker(capacity, producers));
        auto& opened = bridge_->open<int, stream_of<int>, ranges>("p");
        bridge_->start();
        for (int i = 0; i < threads; ++i) {
            runs_.emplace_back([this] { io_.run(); });
        }
        return opened;
    }
    void TearDown() override {
        gated::closed = false;
        bridge_->stop(1s);
        work_.reset();
        for (auto& t : runs_) { t.join(); }
        EXPECT_EQ(range::open.load(), 0);
        call::TearDown();
    }
    static std::pair<error_code, std::optional<int>> next(reply_stream<int>& s) {
        std::promise<std::pair<error_code, std::optional<int>>> told;
        auto answer = told.get_future();
        s.async_next([told = std::move(told)](error_code ec, std::optional<int> item) mutable { told.set_value({ec, item}); });
        return answer.get();
    }
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::vector<std::thread> runs_;
};

TEST_F(stream_threads, items_keep_their_order_whichever_thread_asks) {
    auto& p = open(64, 4, 1);
    auto s = p.async_stream({0}, 2'000, 8, asio::use_future).get();
    std::atomic<int> expected{0};
    const auto reads_every_third = [&](int mine) {
        for (int i = expected; i < 2'000; i = expected) {
            if (i % 3 != mine) { std::this_thread::yield(); continue; }
            const auto [ec, item] = next(s);
            EXPECT_FALSE(ec);
            EXPECT_EQ(item.value_or(-1), i);
            expected = i + 1;
        }
    };
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) { readers.emplace_back(reads_every_third, i); }
    for (auto& r : readers) { r.join(); }
    EXPECT_FALSE(next(s).second);
}

TEST_F(stream_threads, a_thread_whose_lane_is_full_is_told_and_nothing_is_lost) {
    auto& p = open(4, 2, 1);
    auto s = p.async_stream({0}, 100, 1, asio::use_future).get();
    EXPECT_EQ(next(s).second, 0);
    std::thread([&] {
        std::vector<reply_stream<int>> places;
        for (const std::uint32_t credit : {3U, 2U}) { places.push_back(p.async_stream({0}, 9, credit, asio::use_future).get()); }
        gated::closed = true;
        auto fourth = p.async_stream({0}, 9, 1, asio::use_future);
        EXPECT_EQ(next(s).second, 1);  // was there
        EXPECT_EQ(next(s).first, errc::lane_full);
        EXPECT_EQ(next(s).first, errc::lane_full);
        gated::closed = false;
        fourth.get();
    }).join();
    for (int i = 2; i < 100; ++i) { EXPECT_EQ(next(s).second, i); }
    EXPECT_EQ(next(s), std::pair(error_code{}, std::optional<int>{}));
}

/// What the readers saw in all.
struct tally {
    std::atomic<int> streams{0};
    std::atomic<int> wrong{0};
    std::atomic<int> waits{0};
    std::atomic<int> waits_ended{0};
};

/// Reads one stream after the other: to its end, or not, or leaves with a wait pending. A full lane is tried again.
asio::awaitable<void> read_many(range_port p, unsigned seed, int streams, tally& seen) {
    std::minstd_rand dice(seed);
    for (int done = 0; done < streams;) {
        const int length = static_cast<int>(dice() % 40);
        auto [refused, s] = co_await p.async_stream({0}, length, 1 + dice() % 8, asio::as_tuple(asio::use_awaitable));
        if (refused) {
            seen.wrong += refused != errc::lane_full;
            co_await asio::post(asio::use_awaitable);
            continue;
        }
        ++done;
        ++seen.streams;
        const int leaves_at = dice() % 2 == 0 ? -1 : static_cast<int>(dice() % 40);
        for (int i = 0; i != leaves_at;) {
            const auto [ec, item] = co_await s.async_next(asio::as_tuple(asio::use_awaitable));
            if (ec == errc::lane_full) {
                co_await asio::post(asio::use_awaitable);
                continue;
            }
            seen.wrong += ec || item != (i < length ? std::optional(i) : std::nullopt);
            if (!item) { break; }
            ++i;
        }
        if (dice() % 2 == 0) {
            ++seen.waits;
            s.async_next([&seen](error_code, std::optional<int>) { ++seen.waits_ended; });
        }
    }
}

TEST_F(stream_threads, many_readers_on_many_threads_each_get_their_items_in_order_and_leave_nothing_open) {
    constexpr int readers = 12;
    constexpr int streams = 150;
    auto& p = open(32, 2, 4);  // two threads find no lane of their own
    tally seen;
    std::vector<std::future<void>> all;
    for (unsigned i = 0; i < readers; ++i) { all.push_back(asio::co_spawn(io_, read_many(p, i + 1, streams, seen), asio::use_future)); }
    for (auto& one : all) { one.get(); }
    bridge_->stop(5s);
    work_.reset();
    for (auto& t : runs_) { t.join(); }
    runs_.clear();
    EXPECT_EQ(seen.streams.load(), readers * streams);
    EXPECT_EQ(seen.wrong.load(), 0);
    EXPECT_EQ(seen.waits_ended.load(), seen.waits.load());
    EXPECT_EQ(range::open.load(), 0);
    const auto status = bridge_->status();
    EXPECT_ACCOUNTS_BALANCE(status);
    EXPECT_EQ(status.abandoned, 0U);
    EXPECT_EQ(sum(status, &lane_status::accepted), sum(status, &lane_status::delivered));
}

}  // namespace
}  // namespace numasio::test
