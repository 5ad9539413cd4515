// What stop promises: every accepted request ends exactly once; idempotent; bounded; nothing leaks.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/time_given.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

TEST(stop, drains_what_was_accepted) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker(1024)};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    int good = 0;
    for (int i = 0; i < 1000; ++i) { p.async_call({0}, i, [&](error_code ec, int) { good += !ec; }); }
    EXPECT_TRUE(b.stop(5s).drained());
    io.run();
    EXPECT_EQ(good, 1000);
    EXPECT_ACCOUNTS_BALANCE(b.status());
}

/// Waits with the first until the others are queued, serves them, and does not come back from the last.
template <std::size_t Bytes>
struct stuck_in_the_last {
    explicit stuck_in_the_last(node_context&) {}
    int operator()(const sized<Bytes>& x) const {
        ++entered;
        while (x.number == 0 && !queued) { std::this_thread::yield(); }
        while (x.number == 9 && !released) { std::this_thread::yield(); }
        return x.number;
    }
    static inline std::atomic<int> entered{0};
    static inline std::atomic<bool> queued{false}, released{false};
};

template <std::size_t Bytes>
void expect_what_was_served_before_a_worker_was_stuck() {
    using service = stuck_in_the_last<Bytes>;
    service::entered = 0;
    service::queued = service::released = false;
    asio::io_context io;
    int good = 0;
    {
        bridge b{io.get_executor(), one_worker(64)};
        auto& p = b.open<sized<Bytes>, int, service>("p");
        b.start();
        p.async_call({0}, {0, {}}, [](error_code, int) {});
        while (service::entered.load() == 0) { std::this_thread::yield(); }
        for (int i = 1; i < 4; ++i) {
            p.async_call({0}, {i, {}}, [&](error_code ec, int) { good += !ec; });
        }
        p.async_call({0}, {9, {}}, [](error_code, int) {});
        service::queued = true;
        while (service::entered.load() < 5) { std::this_thread::yield(); }
        EXPECT_EQ(b.stop(50ms).stuck, 1U);
        for (int i = 0; i < 100 && good < 3; ++i) { io.run_for(10ms); }
        EXPECT_EQ(good, 3) << Bytes;
        service::released = true;
        io.run();
    }
}

TEST(stop, delivers_what_a_worker_had_served_before_it_was_stuck) {
    for (int i = 0; i < 3; ++i) {
        expect_what_was_served_before_a_worker_was_stuck<4>();
        expect_what_was_served_before_a_worker_was_stuck<1000>();  // which travel by number
    }
}

TEST(stop, ends_what_is_queued_at_the_deadline_and_reports_a_stuck_worker) {
    gated::reset();
    gated::closed = true;
    asio::io_context io;
    int good = 0;
    int stopped = 0;
    {
        bridge b{io.get_executor(), one_worker(64)};
        auto& p = b.open<int, int, gated>("p");
        b.start();
        for (int i = 0; i < 10; ++i) {
            p.async_call({0}, i, [&](error_code ec, int) { ec == errc::stopped ? ++stopped : ++good; });
        }
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
        const time_given time;
        const auto report = b.stop(50ms);
        EXPECT_LT(time.so_far(), 2s);
        EXPECT_EQ(report.stuck, 1U);
        EXPECT_EQ(report.stopped, 9U);
        EXPECT_FALSE(report.drained());
        EXPECT_EQ(b.status().workers.at(0).state, worker_state::stuck);
        gated::closed = false;  // it comes back after all: its reply is returned, too
        io.run();
    }
    EXPECT_EQ(stopped, 9);
    EXPECT_EQ(good, 1);
    gated::reset();
}

TEST(stop, handlers_whose_context_never_runs_again_are_destroyed_with_it) {
    auto witness = std::make_shared<int>(1);
    std::uint64_t abandoned = 0;
    auto io = std::make_unique<asio::io_context>();
    {
        bridge b{io->get_executor(), one_worker(64)};
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        for (int i = 0; i < 5; ++i) {
            p.async_call({0}, i, [witness](error_code, int) { ADD_FAILURE() << "its context never ran"; });
        }
        b.stop(1s);
        EXPECT_EQ(witness.use_count(), 6);
        abandoned = b.status().abandoned;
    }
    EXPECT_EQ(abandoned, 0U);  // not yet: the context could still run
    io.reset();
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(stop, a_reply_that_was_never_delivered_may_still_look_into_its_workers_memory) {
    struct held {  // counts itself in the service's memory
        held() = default;
        explicit held(std::atomic<int>* n) : counter(n) { ++*counter; }
        held(held&& other) noexcept : counter(std::exchange(other.counter, nullptr)) {}
        held& operator=(held&& other) noexcept { return std::swap(counter, other.counter), *this; }
        ~held() {
            if (counter != nullptr) { --*counter; }
        }
        std::atomic<int>* counter = nullptr;
    };
    struct lender {
        explicit lender(node_context& node)
            : counter(::new (node.memory().allocate(sizeof(std::atomic<int>))) std::atomic<int>(0)) {}
        held operator()(int) const { return held(counter); }
        std::atomic<int>* counter;
    };
    auto io = std::make_unique<asio::io_context>();
    auto witness = std::make_shared<int>(1);
    {
        bridge b{io->get_executor(), one_worker()};
        auto& p = b.open<int, held, lender>("p");
        b.start();
        p.async_call({0}, 1, [witness](error_code, held) {});
        EXPECT_TRUE(b.stop(1s).drained());
    }
    io.reset();  // takes the pending drain and, with it, the last of the worker
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(stop, a_context_destroyed_before_the_bridge_counts_as_abandoned) {
    // Not how it should be written, but a crash would be the wrong answer.
    auto io = std::make_unique<asio::io_context>();
    bridge b{io->get_executor(), one_worker(64)};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    for (int i = 0; i < 5; ++i) {
        p.async_call({0}, i, [](error_code, int) { ADD_FAILURE() << "its context never ran"; });
    }
    b.stop(1s);
    io.reset();
    EXPECT_EQ(b.status().abandoned, 5U);
}

TEST(stop, may_be_called_twice_concurrently_and_from_a_handler) {
    for (int round = 0; round < 50; ++round) {
        asio::io_context io;
        bridge b{io.get_executor(), one_worker(64)};
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        int ended = 0;
        for (int i = 0; i < 20; ++i) { p.async_call({0}, i, [&](error_code, int) { ++ended; }); }
        asio::post(io, [&] { b.stop(1s); });
        std::vector<std::thread> others;
        for (int i = 0; i < 8; ++i) {
            others.emplace_back([&] { b.stop(1s); });
        }
        io.run();
        for (auto& t : others) { t.join(); }
        io.restart();
        io.run();
        EXPECT_EQ(ended, 20);
        EXPECT_ACCOUNTS_BALANCE(b.status());
    }
}

TEST(stop, before_start_is_harmless_and_final) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    b.open<int, int, incrementer>("p");
    EXPECT_TRUE(b.stop(1s).drained());
    EXPECT_THROW(b.start(), boost::system::system_error);
}

TEST(stop, ends_the_acceptance_at_once_in_the_status_too) {
    gated::reset();
    gated::closed = true;
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<int, int, gated>("p");
    b.start();
    EXPECT_TRUE(b.status().accepting);
    p.async_call({0}, 1, [](error_code, int) {});
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    std::thread stopper([&] { b.stop(10s); });
    error_code got;
    while (got != errc::stopped) {  // until the intake is seen to be closed
        p.async_call({0}, 2, [&](error_code ec, int) { got = ec; });
        io.poll();
        io.restart();
    }
    EXPECT_FALSE(b.status().accepting);
    EXPECT_TRUE(b.status().draining);
    gated::closed = false;
    stopper.join();
    io.run();
    gated::reset();
}

TEST(stop, may_be_announced_while_calls_are_still_accepted) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    b.announce_drain();
    EXPECT_FALSE(b.status().accepting);
    error_code got = errc::stopped;
    p.async_call({0}, 1, [&](error_code ec, int) { got = ec; });
    io.run();
    EXPECT_FALSE(got);
}

TEST(stop, a_handler_whose_own_context_never_runs_again_is_counted_too) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    {
        asio::io_context other;
        for (int i = 0; i < 3; ++i) {
            p.async_call({0}, i, asio::bind_executor(other, [](error_code, int) { ADD_FAILURE() << "its context never ran"; }));
        }
        b.stop(1s);
        io.run();
        EXPECT_EQ(b.status().abandoned, 0U);  // handed over: `other` could still run
    }
    EXPECT_EQ(b.status().abandoned, 3U);
}

TEST(stop, under_load_at_random_points_ends_every_request_exactly_once) {
    std::mt19937 random(20261120);
    for (int round = 0; round < 60; ++round) {
        asio::io_context io;
        auto keep = asio::make_work_guard(io);
        std::thread control([&] { io.run(); });
        std::atomic<std::uint64_t> offered{0}, good{0}, full{0}, stopped{0};
        {
            bridge b{io.get_executor(), one_worker(256, 4)};
            auto& p = b.open<int, int, incrementer>("p");
            b.start();
            std::vector<std::thread> producers;
            for (int t = 0; t < 3; ++t) {
                producers.emplace_back([&] {
                    for (bool refused = false; !refused;) {
                        offered.fetch_add(1);
                        p.async_call({0}, 1, [&](error_code ec, int v) {
                            if (!ec) { good.fetch_add(v == 2); }
                            else if (ec == errc::lane_full) { full.fetch_add(1); }
                            else if (ec == errc::stopped) { stopped.fetch_add(1); }
                        });
                        refused = stopped.load() != 0;
                        if (full.load() > 100'000) { std::this_thread::yield(); }
                    }
                });
            }
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
            b.stop(random() % 2 == 0 ? 1s : 0s);
            for (auto& t : producers) { t.join(); }
            keep.reset();
            control.join();
            const auto s = b.status();
            EXPECT_ACCOUNTS_BALANCE(s);
            EXPECT_EQ(s.abandoned, 0U);
            // The bridge's figures against the callers' own.
            EXPECT_EQ(sum(s, &lane_status::offered) + s.pools.at(0).refused, offered.load());
            EXPECT_EQ(sum(s, &lane_status::rejected), full.load());
            EXPECT_EQ(sum(s, &lane_status::ran), good.load());
            EXPECT_EQ(sum(s, &lane_status::queued), 0U);
            EXPECT_EQ(sum(s, &lane_status::delivered), sum(s, &lane_status::accepted));
        }
        EXPECT_EQ(offered.load(), good.load() + full.load() + stopped.load());
    }
}

}  // namespace
}  // namespace numasio::test
