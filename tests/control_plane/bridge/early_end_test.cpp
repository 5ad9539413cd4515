// A bridge that is destroyed while a worker is still inside a service call: the call fails, and the worker, when it comes back, touches nothing.
#include "control_plane/bridge/stream_fixture.hpp"

#include <numasio/call_batch.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

/// As gated, with a request of a size and a reply that has memory. Counts those that are.
template <std::size_t Bytes>
struct held_up {
    explicit held_up(node_context&) { ++alive; }
    held_up(const held_up&) = delete;
    ~held_up() { --alive; }
    std::string operator()(const sized<Bytes>& x) const {
        gated::entered.fetch_add(1);
        while (gated::closed.load()) { std::this_thread::yield(); }
        return std::string(100, static_cast<char>('0' + x.number));
    }
    static inline std::atomic<int> alive{0};
};

/// Of one call: how often it ended, and how.
struct outcome {
    int times = 0;
    error_code ec;
    std::string reply;
    auto handler() {
        return [this](error_code e, std::string r) { ++times, ec = e, reply = std::move(r); };
    }
};

/// Waits for what a worker that was left to itself does last.
void until_none_is_left(const std::atomic<int>& services) {
    while (services.load() != 0) { std::this_thread::yield(); }
}

class early_end : public ::testing::Test {
protected:
    void SetUp() override { gated::closed = true; }
    void TearDown() override { gated::reset(); }

    template <std::size_t Bytes, class Executor>
    port<sized<Bytes>, std::string>& open(const Executor& home) {
        bridge_.emplace(home, one_worker());
        auto& opened = bridge_->open<sized<Bytes>, std::string, held_up<Bytes>>("p");
        bridge_->start();
        return opened;
    }
    static void until_entered(int times = 1) {
        while (gated::entered.load() < times) { std::this_thread::yield(); }
    }
    template <std::size_t Bytes>
    static void let_the_worker_end() {
        gated::closed = false;
        until_none_is_left(held_up<Bytes>::alive);
    }
    template <std::size_t Bytes>
    void expect_failure_of_the_call_that_runs();
    template <std::size_t Bytes>
    void expect_no_second_end_where_the_handler_throws();

    std::optional<bridge> bridge_;
};

template <std::size_t Bytes>
void early_end::expect_failure_of_the_call_that_runs() {
    asio::io_context io;
    auto& p = open<Bytes>(io.get_executor());
    outcome runs;
    outcome waits;
    p.async_call({0}, {1, {}}, runs.handler());
    until_entered();
    p.async_call({0}, {2, {}}, waits.handler());
    bridge_.reset();
    EXPECT_EQ(runs.times, 0) << "never inside the bridge's end";
    io.run();  // comes back: nothing is owed any more
    EXPECT_EQ(runs.times, 1);
    EXPECT_EQ(runs.ec, errc::outcome_unknown);
    EXPECT_EQ(runs.reply, "");
    EXPECT_EQ(waits.times, 1);
    EXPECT_EQ(waits.ec, errc::stopped);
    let_the_worker_end<Bytes>();
    io.restart();
    EXPECT_EQ(io.run(), 0U) << "what comes back finds nobody to tell";
    EXPECT_EQ(runs.times, 1);
}

TEST_F(early_end, fails_the_call_that_its_service_is_still_at) {
    expect_failure_of_the_call_that_runs<4>();
    gated::reset();
    gated::closed = true;
    expect_failure_of_the_call_that_runs<1000>();  // which travels by number
}

TEST_F(early_end, fails_it_on_the_handlers_own_executor) {
    asio::io_context io;
    asio::io_context own;
    auto& p = open<4>(io.get_executor());
    outcome runs;
    p.async_call({0}, {1, {}}, asio::bind_executor(own, runs.handler()));
    until_entered();
    bridge_.reset();
    io.run();
    EXPECT_EQ(runs.times, 0);
    own.run();  // knew all the time that something was to come
    EXPECT_EQ(runs.times, 1);
    EXPECT_EQ(runs.ec, errc::outcome_unknown);
    let_the_worker_end<4>();
}

TEST_F(early_end, after_a_stop_that_found_the_worker_stuck) {
    asio::io_context io;
    auto& p = open<4>(io.get_executor());
    outcome runs;
    p.async_call({0}, {1, {}}, runs.handler());
    until_entered();
    EXPECT_EQ(bridge_->stop(10ms).stuck, 1U);
    io.run_for(50ms);
    EXPECT_EQ(runs.times, 0) << "it may come back";
    bridge_.reset();
    io.restart();
    io.run();
    EXPECT_EQ(runs.times, 1);
    EXPECT_EQ(runs.ec, errc::outcome_unknown);
    let_the_worker_end<4>();
}

TEST_F(early_end, fails_every_call_though_a_handler_throws) {
    asio::io_context io;
    auto asked = one_worker();
    asked.pools[0].name = "q";
    asked.pools.insert(asked.pools.begin(), one_worker().pools[0]);
    asked.pools[1].nodes = asked.pools[0].nodes;
    bridge_.emplace(io.get_executor(), asked);
    auto& p = bridge_->open<sized<4>, std::string, held_up<4>>("p");
    auto& q = bridge_->open<sized<4>, std::string, held_up<4>>("q");
    bridge_->start();
    int thrown = 0;
    for (auto* one : {&p, &q}) {
        one->async_call({0}, {1, {}}, [&](error_code, std::string) { throw std::runtime_error(std::to_string(++thrown)); });
    }
    until_entered(2);
    bridge_.reset();
    EXPECT_THROW(io.run(), std::runtime_error);
    EXPECT_THROW(io.run(), std::runtime_error);
    io.run();
    EXPECT_EQ(thrown, 2);
    let_the_worker_end<4>();
}

template <std::size_t Bytes>
void early_end::expect_no_second_end_where_the_handler_throws() {
    asio::io_context io;
    auto& p = open<Bytes>(io.get_executor());
    int times = 0;
    p.async_call({0}, {1, {}}, [&](error_code ec, std::string) {
        ++times;
        EXPECT_EQ(ec, errc::outcome_unknown);
        throw std::runtime_error("from a handler");
    });
    until_entered();
    bridge_.reset();
    EXPECT_THROW(io.run(), std::runtime_error);
    let_the_worker_end<Bytes>();  // before the drain has gone on
    io.run();
    EXPECT_EQ(times, 1);
}

TEST_F(early_end, when_a_handler_throws_and_its_worker_comes_back_ends_nothing_twice) {
    expect_no_second_end_where_the_handler_throws<4>();
    gated::reset();
    gated::closed = true;
    expect_no_second_end_where_the_handler_throws<1000>();
}

TEST_F(early_end, fails_whatever_waits_for_the_call) {
    struct large {  // does not fit into the call's cell
        std::function<void(error_code)> told;
        std::array<char, 400> ballast{};
        void operator()(error_code ec, const std::string&) const { told(ec); }
    };
    using held = port<sized<4>, std::string>;
    const std::vector<std::function<void(held&, const std::function<void(error_code)>&)>> ways = {
        [](held& p, const auto& told) { p.async_post({0}, {1, {}}, told); },
        [](held& p, const auto& told) { p.async_call({0}, {1, {}}, large{told}); },
        [](held& p, const auto& told) {
            asio::co_spawn(
                p.get_executor(),
                [&p, told]() -> asio::awaitable<void> {
                    const auto [ec, reply] = co_await p.async_call({0}, sized<4>{1, {}}, asio::as_tuple(asio::deferred));
                    told(ec);
                },
                asio::detached);
        },
    };
    for (const auto& ask : ways) {
        error_code told;
        const auto tell = [&](error_code ec) { told = ec; };

        gated::reset();
        gated::closed = true;
        asio::thread_pool threads(2);
        ask(open<4>(threads.get_executor()), tell);
        until_entered();
        bridge_.reset();
        threads.join();
        EXPECT_EQ(std::exchange(told, {}), errc::outcome_unknown);
        let_the_worker_end<4>();

        gated::reset();
        gated::closed = true;
        asio::io_context io;
        ask(open<4>(asio::any_io_executor(asio::make_strand(io))), tell);
        while (gated::entered.load() == 0) { io.poll(); }
        bridge_.reset();
        io.run();
        EXPECT_EQ(told, errc::outcome_unknown);
        let_the_worker_end<4>();
    }
}

TEST_F(early_end, fails_a_blocking_call) {
    asio::thread_pool threads(1);
    auto& p = open<4>(threads.get_executor());
    error_code told;
    std::thread blocked([&] { p.blocking_call({0}, {1, {}}, told); });
    until_entered();
    bridge_.reset();
    blocked.join();
    EXPECT_EQ(told, errc::outcome_unknown);
    threads.join();
    let_the_worker_end<4>();
}

TEST_F(early_end, leaves_a_reservation_and_a_batch_that_outlive_it_without_effect) {
    asio::io_context io;
    auto& p = open<4>(io.get_executor());
    auto batch = std::make_unique<call_batch<sized<4>, std::string>>(p, home{0});
    outcome runs;
    outcome unsent;
    p.async_call({0}, {1, {}}, [end = runs.handler(), place = p.try_reserve({0})](error_code ec, std::string reply) mutable { end(ec, std::move(reply)); });
    until_entered();
    EXPECT_FALSE(batch->try_call({2, {}}, unsent.handler()));
    auto place = p.try_reserve({0});
    bridge_.reset();
    io.run();
    EXPECT_EQ(runs.ec, errc::outcome_unknown);
    EXPECT_EQ(unsent.ec, errc::stopped);
    EXPECT_TRUE(place);
    batch.reset();
    let_the_worker_end<4>();
}

TEST_F(early_end, ends_the_wait_for_an_item_of_a_stream) {
    asio::io_context io;
    gated::closed = false;
    bridge_.emplace(io, one_worker());
    auto& p = bridge_->open<std::unique_ptr<int>, stream_of<item>, counting>("p");
    bridge_->start();
    reading s;
    p.async_stream({0}, up_to(endless), 1, [&](error_code, reading opened) { s = std::move(opened); });
    io.run();
    gated::closed = true;
    counter::asked = 0;
    answer first;
    s.async_next(first.handler());  // the item that came with the opening; the next one is sent for
    while (counter::asked.load() == 0) { std::this_thread::yield(); }
    answer runs;
    s.async_next(runs.handler());
    bridge_.reset();
    io.restart();
    io.run();
    EXPECT_TRUE(first.is(0));
    EXPECT_EQ(runs.ec, errc::outcome_unknown);
    s = {};
    gated::closed = false;
    until_none_is_left(counter::open);
    counter::reset();
}

TEST_F(early_end, of_the_context_alone_stops_the_bridge_and_destroys_what_is_left) {
    const auto expect_that = [&](auto context, const auto& executor) {
        gated::reset();
        gated::closed = true;
        auto witness = std::make_shared<int>(1);
        auto& p = open<4>(executor);
        p.async_call({0}, {1, {}}, [witness](error_code, std::string) { ADD_FAILURE() << "its context never ran"; });
        until_entered();
        context.reset();
        EXPECT_EQ(witness.use_count(), 1);
        const auto status = bridge_->status();
        EXPECT_EQ(status.abandoned, 1U);
        EXPECT_FALSE(status.accepting);
        let_the_worker_end<4>();  // it finds nobody to tell
        bridge_.reset();
    };
    auto io = std::make_unique<asio::io_context>();
    const auto to_io = io->get_executor();
    expect_that(std::move(io), to_io);
    io = std::make_unique<asio::io_context>();
    const asio::any_io_executor to_any = io->get_executor();
    expect_that(std::move(io), to_any);
    auto threads = std::make_unique<asio::thread_pool>(1);
    threads->stop();
    threads->join();
    const auto to_threads = threads->get_executor();
    expect_that(std::move(threads), to_threads);
}

TEST_F(early_end, of_the_context_beside_workers_that_reply) {
    for (int round = 0; round < 300; ++round) {
        auto io = std::make_unique<asio::io_context>();
        gated::reset();
        auto& p = open<4>(io->get_executor());
        int ended = 0;
        for (int i = 0; i < 30; ++i) { p.async_call({0}, {1, {}}, [&](error_code, std::string) { ++ended; }); }
        if (round % 2 == 0) { until_entered(15); }
        if (round % 3 == 0) { io->poll(); }
        io.reset();
        EXPECT_EQ(bridge_->status().abandoned, 30U - static_cast<unsigned>(ended));
        bridge_.reset();
    }
}

TEST_F(early_end, the_worker_may_come_back_when_the_context_is_gone_too) {
    auto io = std::make_unique<asio::io_context>();
    auto witness = std::make_shared<int>(1);
    auto& p = open<4>(asio::make_strand(*io));  // whose own end would want the context
    p.async_call({0}, {1, {}}, [witness](error_code, std::string) { ADD_FAILURE() << "its context never ran"; });
    until_entered();
    bridge_.reset();
    EXPECT_EQ(witness.use_count(), 2) << "its context may still run";
    io.reset();
    EXPECT_EQ(witness.use_count(), 1);
    let_the_worker_end<4>();
}

TEST_F(early_end, the_worker_may_come_back_when_the_context_has_run_and_is_gone) {
    auto io = std::make_unique<asio::io_context>();
    auto& p = open<1000>(asio::make_strand(*io));
    outcome runs;
    p.async_call({0}, {1, {}}, runs.handler());
    until_entered();
    bridge_.reset();
    io->run();
    io.reset();
    EXPECT_EQ(runs.times, 1);
    let_the_worker_end<1000>();
}

TEST_F(early_end, beside_a_worker_that_is_coming_back_ends_every_call_once) {
    using clock = std::chrono::steady_clock;
    std::mt19937 random(20261122);
    clock::duration alone{};  // what an end takes whose worker does not come back
    for (int round = 0; round < 200; ++round) {
        asio::io_context io;
        auto keep = asio::make_work_guard(io);
        std::thread control([&] { io.run(); });
        gated::reset();
        gated::closed = true;
        auto& p = open<4>(io.get_executor());
        outcome all[4];
        for (auto& one : all) { p.async_call({0}, {1, {}}, one.handler()); }
        until_entered();
        const bool comes_back = round % 10 != 0;  // before the end, meanwhile or after
        std::thread gate([comes_back, pause = alone * (random() % 2000) / 1000] {
            if (!comes_back) { return; }
            std::this_thread::sleep_for(pause);
            gated::closed = false;
        });
        const auto begin = clock::now();
        bridge_.reset();
        if (!comes_back) { alone = clock::now() - begin; }
        keep.reset();
        control.join();
        gate.join();
        for (const auto& one : all) {
            EXPECT_EQ(one.times, 1);
            EXPECT_EQ(one.reply, one.ec ? "" : std::string(100, '1'));
            EXPECT_TRUE(!one.ec || one.ec == errc::stopped || one.ec == errc::outcome_unknown) << one.ec.message();
        }
        EXPECT_TRUE(comes_back || all[0].ec == errc::outcome_unknown);
        let_the_worker_end<4>();
    }
}

}  // namespace
}  // namespace numasio::test
