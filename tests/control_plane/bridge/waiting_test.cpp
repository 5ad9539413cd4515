// Calls that wait for a place of a full lane (when_full: wait).
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gmock/gmock.h>

#include <memory>
#include <vector>

namespace numasio::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

plan that_waits(std::uint32_t capacity, std::uint32_t waiting = 1024, std::uint32_t producers = 4) {
    auto asked = one_worker(capacity, producers);
    asked.pools.front().lane.full = when_full::wait;
    asked.pools.front().lane.waiting = waiting;
    return asked;
}

/// The worker is inside the first call, until the gate opens.
class waiting : public call {
protected:
    port<int, int>& open_closed(const plan& asked) {
        gated::closed = true;
        return open_plan<gated>(asked);
    }
    void ask(port<int, int>& p, int number) {
        p.async_call({0}, number, [this, number](error_code ec, int) { ec ? refused_.push_back(ec) : answered_.push_back(number); });
    }
    static void until_entered(int calls = 1) {
        while (gated::entered.load() < calls) { std::this_thread::yield(); }
    }
    lane_status lane() const { return bridge_->status().workers.front().lanes.front(); }

    std::vector<int> answered_;
    std::vector<error_code> refused_;
};

TEST_F(waiting, gets_a_place_when_one_comes_back_first_come_first_served) {
    auto& p = open_closed(that_waits(2));
    for (int i = 0; i < 7; ++i) { ask(p, i); }
    EXPECT_EQ(lane().accepted, 2U);
    EXPECT_EQ(lane().waiting, 5U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(0, 1, 2, 3, 4, 5, 6));
    EXPECT_THAT(refused_, IsEmpty());
    EXPECT_EQ(lane().offered, 7U);
    EXPECT_EQ(lane().accepted, 7U);
    EXPECT_EQ(lane().waiting, 0U);
}

TEST_F(waiting, is_refused_past_the_plans_bound) {
    auto& p = open_closed(that_waits(1, 2));
    for (int i = 0; i < 4; ++i) { ask(p, i); }
    EXPECT_EQ(lane().rejected, 1U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(0, 1, 2));
    EXPECT_THAT(refused_, ElementsAre(errc::lane_full));
}

TEST_F(waiting, is_overtaken_by_nobody) {
    auto& p = open_closed(that_waits(1));
    error_code told, reserved;
    p.async_call({0}, 0, [&](error_code, int) {  // its place is back, and nobody has let the next one in yet
        told = p.try_call({0}, 2, [](error_code, int) {});
        reserved = p.try_reserve({0}).error();
    });
    ask(p, 1);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(1));
    EXPECT_EQ(told, errc::lane_full);
    EXPECT_EQ(reserved, errc::lane_full);
}

TEST_F(waiting, never_runs_if_it_is_cancelled_before_it_has_a_place) {
    auto& p = open_closed(that_waits(1));
    ask(p, 0);
    asio::cancellation_signal stop;
    error_code told;
    p.async_call({0}, 1, asio::bind_cancellation_slot(stop.slot(), [&](error_code ec, int) { told = ec; }));
    ask(p, 2);
    stop.emit(asio::cancellation_type::terminal);
    io_.poll();
    EXPECT_EQ(told, asio::error::operation_aborted) << "it need not wait for the worker";
    EXPECT_EQ(lane().withdrawn, 1U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(0, 2));
    EXPECT_EQ(gated::entered.load(), 2);
}

TEST_F(waiting, can_be_cancelled_when_it_has_its_place_too) {
    auto asked = that_waits(2);
    auto& p = open_closed(asked);
    ask(p, 0);
    until_entered();
    auto place = std::make_optional(p.try_reserve({0}));
    ASSERT_TRUE(*place);
    asio::cancellation_signal stop;
    error_code told;
    p.async_call({0}, 1, asio::bind_cancellation_slot(stop.slot(), [&](error_code ec, int) { told = ec; }));
    EXPECT_EQ(lane().waiting, 1U);
    place.reset();
    EXPECT_EQ(lane().waiting, 0U);
    stop.emit(asio::cancellation_type::total);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(told, asio::error::operation_aborted);
    EXPECT_EQ(lane().cancelled, 1U);
    EXPECT_EQ(gated::entered.load(), 1);
}

TEST_F(waiting, has_the_place_of_a_reservation_that_any_thread_drops) {
    auto& p = open_closed(that_waits(1));
    auto place = p.try_reserve({0});
    ASSERT_TRUE(place);
    ask(p, 1);
    EXPECT_EQ(lane().waiting, 1U);
    std::thread([unused = std::move(place)]() mutable { const auto dropped = std::move(unused); }).join();
    EXPECT_EQ(lane().accepted, 1U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(1));
}

TEST_F(waiting, counts_for_the_time_in_which_a_call_must_start) {
    auto& p = open_closed(that_waits(1));
    ask(p, 0);
    error_code told;
    p.with({.start_within = 5ms}).async_call({0}, 1, [&](error_code ec, int) { told = ec; });
    std::this_thread::sleep_for(20ms);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(told, asio::error::timed_out);
    EXPECT_EQ(lane().expired, 1U);
}

TEST_F(waiting, ends_at_once_when_the_bridge_stops) {
    auto& p = open_closed(that_waits(1));
    for (int i = 0; i < 3; ++i) { ask(p, i); }
    until_entered();
    EXPECT_EQ(bridge_->stop(0s).stuck, 1U);
    io_.poll();
    EXPECT_THAT(refused_, ElementsAre(errc::stopped, errc::stopped));
    EXPECT_EQ(lane().withdrawn, 2U);
    gated::closed = false;
}

TEST_F(waiting, holds_work_on_its_handlers_executor) {
    auto& p = open_closed(that_waits(1));
    asio::io_context own;
    auto place = std::make_optional(p.try_reserve({0}));
    int told = 0;
    p.async_call({0}, 41, asio::bind_executor(own, [&](error_code, int v) { told = v; }));
    own.poll();
    io_.poll();
    EXPECT_FALSE(own.stopped());
    EXPECT_FALSE(io_.stopped());
    place.reset();
    gated::closed = false;
    io_.run();
    own.run();
    EXPECT_EQ(told, 41);
}

TEST(waiting_call, is_destroyed_with_a_context_that_does_not_run_again) {
    const auto owned = std::make_shared<int>();
    {
        asio::io_context io;
        bridge b(io, that_waits(1));
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        for (int i = 0; i < 3; ++i) { p.async_call({0}, i, [owned](error_code, int) {}); }
        EXPECT_EQ(owned.use_count(), 4);
    }
    EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(waiting, is_what_a_coroutine_does_and_a_thread_that_blocks) {
    auto& p = open_closed(that_waits(1));
    ask(p, 0);
    int resumed = 0;
    asio::co_spawn(
        io_, [&]() -> asio::awaitable<void> { resumed = co_await p.async_call({0}, 7, asio::use_awaitable); }, asio::detached);
    auto work = asio::make_work_guard(io_);
    std::thread runs([&] { io_.run(); });
    error_code ec;
    p.blocking_call({0}, 8, ec, 1ms);
    EXPECT_EQ(ec, asio::error::timed_out) << "it is in line behind the others";
    gated::closed = false;
    EXPECT_EQ(p.blocking_call({0}, 9), 9);
    work.reset();
    runs.join();
    EXPECT_EQ(resumed, 7);
}

/// Throws when it is moved into its place.
struct heavy {
    heavy() = default;
    explicit heavy(int n) : number(n) {}
    heavy(heavy&& other) : number(other.number) {
        if (number == 13 && throws) { throw std::bad_alloc(); }
    }
    heavy& operator=(heavy&&) = default;
    int number = 0;
    static inline bool throws = false;
};
struct of_heavy {
    explicit of_heavy(node_context&) {}
    int operator()(heavy&& x) const {
        while (gated::closed.load()) { std::this_thread::yield(); }
        return x.number;
    }
};

TEST_F(waiting, ends_with_an_error_where_its_request_cannot_be_moved_and_those_behind_it_go_on) {
    gated::closed = true;
    bridge_.emplace(io_.get_executor(), that_waits(1));
    auto& p = bridge_->open<heavy, int, of_heavy>("p");
    bridge_->start();
    std::vector<error_code> told;
    for (const int n : {1, 13, 2}) {
        p.async_call({0}, heavy(n), [&](error_code ec, int) { told.push_back(ec); });
    }
    heavy::throws = true;
    gated::closed = false;
    io_.run();
    heavy::throws = false;
    EXPECT_THAT(told, ::testing::UnorderedElementsAre(error_code(), errc::request_lost, error_code()));
    EXPECT_EQ(lane().withdrawn, 1U);
}

TEST_F(waiting, is_accounted_for_where_it_could_not_be_stored) {
    struct refusing {
        refusing() = default;
        refusing(refusing&&) { throw std::bad_alloc(); }
        void operator()(error_code, int) {}
    };
    auto& p = open_closed(that_waits(1));
    ask(p, 0);
    refusing handler;
    EXPECT_THROW(p.async_call({0}, 1, std::move(handler)), std::bad_alloc);
    ask(p, 2);
    EXPECT_EQ(lane().waiting, 1U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(0, 2));
    EXPECT_EQ(lane().withdrawn, 1U);
}

TEST_F(waiting, keeps_its_turn_where_the_thread_that_called_ends_and_another_takes_its_lane) {
    auto& p = open_closed(that_waits(1, 16, 1));
    std::thread([&] {
        for (int i = 0; i < 3; ++i) { ask(p, i); }
    }).join();
    std::thread([&] {
        for (int i = 3; i < 6; ++i) { ask(p, i); }
    }).join();
    EXPECT_EQ(lane().waiting, 5U);
    gated::closed = false;
    io_.run();
    EXPECT_THAT(answered_, ElementsAre(0, 1, 2, 3, 4, 5));
}

/// [close-4] against [close-5]: whoever comes to wait beside a stop is ended by it, or finds the intake closed.
TEST(waiting_under_load, a_stop_beside_calls_ends_each_of_them) {
    for (int round = 0; round < 60; ++round) {
        asio::thread_pool io(1);
        bridge b(io.get_executor(), that_waits(1, 1024));
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        std::atomic<bool> over{false};
        std::atomic<int> begun{0}, ended{0};
        std::vector<std::thread> callers;
        for (int i = 0; i < 2; ++i) {
            callers.emplace_back([&] {
                while (!over.load()) {
                    ++begun;
                    p.async_call({0}, 1, [&](error_code, int) { ++ended; });
                    if (begun - ended > 64) { std::this_thread::yield(); }
                }
            });
        }
        while (begun < 100 + round) { std::this_thread::yield(); }
        b.stop(1s);
        over = true;
        for (auto& c : callers) { c.join(); }
        io.join();  // who waits for ever holds work
        EXPECT_EQ(ended, begun);
        EXPECT_EQ(sum(b.status(), &lane_status::waiting), 0U);
    }
}

/// Calls one after another from its strand, and cancels some at once.
class caller : public std::enable_shared_from_this<caller> {
public:
    struct counts {
        std::atomic<int> answered{0}, cancelled{0}, wrong{0};
    };
    caller(asio::thread_pool& io, port<int, int>& to, int calls, counts& into)
        : strand_(asio::make_strand(io)), to_(to), left_(calls), into_(into) {}
    void begin() {
        asio::dispatch(strand_, [self = shared_from_this()] { self->next(); });
    }

private:
    void next() {
        if (left_ == 0) { return; }
        const int n = left_--;
        auto told = [self = shared_from_this(), n](error_code ec, int v) {
            if (ec == asio::error::operation_aborted) { ++self->into_.cancelled; }
            else if (ec || v != n + 1) { ++self->into_.wrong; }
            else { ++self->into_.answered; }
            self->next();
        };
        to_.async_call({0}, n, asio::bind_cancellation_slot(cancel_.slot(), asio::bind_executor(strand_, std::move(told))));
        if (n % 5 == 0) { cancel_.emit(asio::cancellation_type::terminal); }
    }

    asio::strand<asio::thread_pool::executor_type> strand_;
    port<int, int>& to_;
    int left_;
    counts& into_;
    asio::cancellation_signal cancel_;
};

/// Every thread of a context, and foreign ones on lanes of their own and shared, through lanes of one or two places.
TEST(waiting_under_load, loses_no_call_and_leaves_none_in_line) {
    for (const std::uint32_t capacity : {1U, 2U}) {
        asio::thread_pool io(2);
        bridge b(io.get_executor(), that_waits(capacity, 64, 3));
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        constexpr int callers = 30, each = 200;
        caller::counts seen;
        for (int k = 0; k < callers; ++k) { std::make_shared<caller>(io, p, each, seen)->begin(); }
        std::vector<std::thread> foreign;
        for (int i = 0; i < 4; ++i) {
            foreign.emplace_back([&] {
                for (int k = 0; k < each; ++k) { seen.wrong += p.blocking_call({0}, k) != k + 1; }
            });
        }
        for (auto& f : foreign) { f.join(); }
        io.join();
        EXPECT_EQ(seen.answered + seen.cancelled, callers * each);
        EXPECT_EQ(seen.wrong.load(), 0);
        b.stop(1s);
        const auto status = b.status();
        EXPECT_ACCOUNTS_BALANCE(status);
        EXPECT_EQ(sum(status, &lane_status::waiting), 0U);
        EXPECT_EQ(sum(status, &lane_status::rejected), 0U);
    }
}

}  // namespace
}  // namespace numasio::test
