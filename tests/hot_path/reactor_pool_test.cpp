// A reactor pool's life: all of it starts or nothing does, it is bounded, each function ends once, and an idle worker costs nothing.
#include <numasio/reactor_pool.hpp>

#include "support/cpu_time.hpp"
#include "support/failures.hpp"
#include "support/few_descriptors.hpp"
#include "support/reactor_pools.hpp"
#include "support/sanitized.hpp"
#include "support/threads.hpp"
#include "support/time_given.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::reactor_plan;
using test::reactors_here;

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

pool_plan small_plan() {
    auto asked = reactor_plan();
    asked.tasks.capacity = 4;
    return asked;
}

/// Keeps a worker busy until it goes.
class stopper {
public:
    explicit stopper(const reactor_pool::executor_type& at) {
        asio::post(at, [this] {
            begun_.count_down();
            end_.wait();
        });
        begun_.wait();
    }
    void go_on() { end_.count_down(); }

private:
    std::latch begun_{1};
    std::latch end_{1};
};

TEST(ReactorPool, pins_each_worker_and_reads_it_back) {
    reactors_here here(2);
    int pinned = 0;
    for (const auto& p : here.pool.placements()) {
        if (p.subject == placement_subject::cpu && p.outcome == placement_outcome::honoured) { ++pinned; }
    }
    EXPECT_EQ(pinned, 2);
    const auto s = here.pool.status();
    EXPECT_EQ(s.name, "io");
    EXPECT_TRUE(s.accepting);
    ASSERT_EQ(s.workers.size(), 2u);
    EXPECT_EQ(s.workers[1].state, worker_state::running);
    here.pool.look_after([](const placement& p) { ADD_FAILURE() << to_text(p); });
}

TEST(ReactorPool, that_cannot_be_pinned_as_asked_does_not_start_and_leaves_nothing) {
    const auto machine = discover_topology();
    auto sites = test::reactor_sites(machine, 2);
    sites[1].cpu = cpu_id{100'000};
    auto strict = reactor_plan();
    strict.enforce = enforcement::strict;
    { const reactors_here first(2); }  // what is made once for all
    const auto threads = test::running_threads();
    const auto descriptors = open_descriptors();
    try {
        const reactor_pool pool(strict, machine, sites);
        ADD_FAILURE() << "it started";
    } catch (const boost::system::system_error& e) {
        EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("io/1"), testing::HasSubstr("sched_setaffinity")));
    }
    EXPECT_EQ(test::running_threads(), threads);
    EXPECT_EQ(open_descriptors(), descriptors);
    const reactor_pool loose(reactor_plan(), machine, sites);
    EXPECT_THAT(loose.placements(), testing::Contains(testing::Field(&placement::outcome, placement_outcome::degraded)));
}

TEST(ReactorPool, without_descriptors_says_which_worker_what_and_the_limit) {
    const auto machine = discover_topology();
    const auto sites = test::reactor_sites(machine, 2);
    bool started = false;
    for (unsigned more = 0; !started && more < 50; ++more) {
        const test::few_descriptors only(more);
        try {
            const reactor_pool pool(reactor_plan(), machine, sites);
            started = true;
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), boost::system::errc::too_many_files_open);
            EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("io/"), testing::HasSubstr("ulimit -n")));
            EXPECT_EQ(test::times_in(e.what(), e.code().message()), 1) << e.what();
        }
    }
    EXPECT_TRUE(started);
}

TEST(ReactorPool, refuses_what_it_cannot_be) {
    auto driven = reactor_plan();
    driven.idle.strategy = idle_strategy::caller_drives;
    EXPECT_THROW(reactors_here(1, driven), boost::system::system_error);
    const auto machine = discover_topology();
    EXPECT_THROW(reactor_pool(reactor_plan(), machine, {}), std::invalid_argument);
    auto elsewhere = machine;
    elsewhere.origin = topology_origin::synthetic;
    EXPECT_THROW(reactor_pool(reactor_plan(), elsewhere, test::reactor_sites(machine, 1)), boost::system::system_error);
}

TEST(ReactorPool, refuses_new_work_beyond_its_capacity_and_keeps_what_cannot_be_refused) {
    reactors_here here(1, small_plan());
    const auto at = here.pool.on(0);
    stopper busy(at);
    int ran = 0;
    for (int i = 0; i < 4; ++i) { EXPECT_EQ(here.pool.try_post(at, [&] { ++ran; }), error_code()); }
    EXPECT_EQ(here.pool.try_post(at, [&] { ++ran; }), errc::pool_full);
    try {
        asio::post(at, [&] { ++ran; });
        ADD_FAILURE() << "there was room";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::pool_full);
    }
    auto strand = asio::make_strand(at);
    asio::post(strand, [&] { ++ran; });
    asio::co_spawn(at, [&]() -> asio::awaitable<void> { ++ran; co_return; }, asio::detached);
    at.execute([&] { ++ran; });
    auto s = here.pool.status().workers[0];
    EXPECT_EQ(s.refused, 2u);
    EXPECT_EQ(s.overflowed, 3u);
    EXPECT_EQ(s.queued, 7u);
    busy.go_on();
    here.pool.join();
    EXPECT_EQ(ran, 7);
    EXPECT_EQ(here.pool.status().workers[0].queued, 0u);
}

TEST(ReactorPool, keeps_nothing_of_an_lvalue_that_it_refused_or_could_not_copy) {
    reactors_here here(1, small_plan());
    const auto at = here.pool.on(0);
    const std::string text(100, 'x');
    std::string got;
    std::atomic<int> ran{0};
    {
        stopper busy(at);
        for (int i = 0; i < 4; ++i) { EXPECT_EQ(here.pool.try_post(at, [&] { ++ran; }), error_code()); }
        const auto says = [text, &got] { got = text; };
        EXPECT_EQ(here.pool.try_post(at, says), errc::pool_full);
        busy.go_on();
        EXPECT_TRUE(test::within(10s, [&] { return ran == 4; }));
        EXPECT_EQ(here.pool.try_post(at, says), error_code());
    }
    struct no_copy {
        no_copy() = default;
        no_copy(const no_copy&) { throw std::runtime_error("no copy"); }
        void operator()() const {}
    };
    const no_copy never;
    EXPECT_THROW(static_cast<void>(here.pool.try_post(at, never)), std::runtime_error);
    static_assert(noexcept(here.pool.try_post(at, [] {})));
    here.pool.join();
    EXPECT_EQ(got, text);
}

TEST(ReactorPool, counts_what_is_thrown_and_goes_on) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    asio::post(at, [] { throw std::runtime_error("the first"); });                          // from outside
    asio::post(at, [&] { asio::post(at, [] { throw std::runtime_error("the second"); }); });  // out of the io_context
    asio::post(at, [&] { asio::dispatch(at, [] { throw 3; }); });
    EXPECT_EQ(asio::post(at, asio::use_future([] { return 5; })).get(), 5);
    here.pool.join();
    const auto s = here.pool.status().workers[0];
    EXPECT_EQ(s.failed, 3u);
    EXPECT_EQ(s.first_failure, "the first");
}

/// Counts how it ended.
struct counted {
    explicit counted(std::atomic<int>& c) : count(&c) {}
    counted(counted&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    ~counted() {
        if (count != nullptr) { count->fetch_add(1, std::memory_order_relaxed); }
    }
    void operator()() {}
    std::atomic<int>* count;
};

TEST(ReactorPool, stopped_at_any_moment_it_ends_each_function_once) {
    std::minstd_rand dice(1);
    const int rounds = test::sanitized ? 40 : 200;
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> ended{0};
        std::atomic<int> ran{0};
        std::atomic<int> sent{0};
        {
            reactors_here here(2);
            std::vector<std::thread> threads;
            for (std::uint32_t t = 0; t < 3; ++t) {
                threads.emplace_back([&, t] {
                    for (std::uint32_t i = 0; i < 300; ++i) {
                        const auto at = here.pool.on((i + t) % 2);
                        const auto other = here.pool.on((i + t + 1) % 2);
                        auto f = [&ran, &sent, &ended, other, c = counted(ended)]() mutable {
                            ran.fetch_add(1);
                            sent.fetch_add(1);
                            other.execute([&ran, c = counted(ended)] { ran.fetch_add(1); });
                        };
                        sent.fetch_add(1);  // it ends once also where it is refused
                        if (t == 0) { at.execute(std::move(f)); }
                        else { static_cast<void>(here.pool.try_post(at, std::move(f))); }
                    }
                });
            }
            const auto kind = dice() % 4;
            std::this_thread::sleep_for(std::chrono::microseconds(dice() % 500));
            if (kind == 0) { here.pool.stop(); }
            if (kind == 1) { here.pool.stop(std::chrono::microseconds(dice() % 300)); }
            if (kind == 2) { here.pool.stop(10s); }
            if (kind == 3) {
                std::thread also([&] { here.pool.stop(1ms); });
                here.pool.stop(0ms);
                also.join();
            }
            for (auto& thread : threads) { thread.join(); }
        }
        ASSERT_EQ(ended, sent) << "round " << round;
        ASSERT_LE(ran, sent);
    }
}

TEST(ReactorPool, drains_what_was_accepted_before_the_stop_and_refuses_what_comes_after) {
    reactors_here here(2);
    std::atomic<int> ran{0};
    for (std::uint32_t i = 0; i < 1000; ++i) {
        asio::post(here.pool.on(i % 2), [&, i] { asio::post(here.pool.on((i + 1) % 2), [&] { ++ran; }); });  // workers still take what others of them send
    }
    EXPECT_EQ(here.pool.stop(10s), 0u);
    EXPECT_EQ(ran, 1000);
    EXPECT_EQ(here.pool.try_post(here.pool.on(0), [] {}), errc::stopped);
    EXPECT_THROW(asio::post(here.pool.on(0), [] {}), boost::system::system_error);
    here.pool.on(0).execute([&] { ++ran; });  // never to be run, nor lost before the pool's end
    EXPECT_EQ(ran, 1000);
    EXPECT_FALSE(here.pool.status().accepting);
    EXPECT_EQ(here.pool.stop(1s), 1u);
}

TEST(ReactorPool, tells_what_a_stop_left_and_destroys_it_on_its_worker) {
    reactors_here here(1);
    const auto at = here.pool.on(0);
    std::promise<void> waits;
    bool invoked = false;
    bool destroyed_there = false;
    struct told {
        explicit told(std::function<void()> f) : tell(std::move(f)) {}
        told(told&&) = default;
        ~told() {
            if (tell) { tell(); }
        }
        std::function<void()> tell;
    };
    asio::post(at, [&] {
        auto timer = std::make_shared<asio::steady_timer>(at, 1h);
        timer->async_wait([&, timer, t = told([&] { destroyed_there = at.running_in_this_thread(); })](auto) { invoked = true; });
        waits.set_value();
    });
    waits.get_future().get();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_GE(here.pool.stop(50ms), 1u);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
    EXPECT_FALSE(invoked);
    EXPECT_TRUE(destroyed_there);
}

TEST(ReactorPool, may_be_stopped_on_a_worker) {
    reactors_here here(2);
    asio::post(here.pool.on(1), [&] { here.pool.stop(); });
    here.pool.join();
    EXPECT_EQ(here.pool.status().workers[0].state, worker_state::stopped);
}

TEST(ReactorPool, is_not_waited_for_on_a_worker_nor_used_once_it_was_joined) {
    reactors_here here(1);
    const auto code_there = [&](auto f) { return asio::post(here.pool.on(0), asio::use_future([f] { return test::code_of(f); })).get(); };
    EXPECT_EQ(code_there([&] { here.pool.join(); }), errc::may_not_block);
    EXPECT_EQ(code_there([&] { here.pool.stop(1s); }), errc::may_not_block);
    EXPECT_TRUE(here.pool.status().accepting);
    here.pool.join();
    EXPECT_FALSE(here.pool.status().accepting);
    EXPECT_EQ(test::code_of([&] { asio::post(here.pool.on(0), [] {}); }), errc::stopped);
    EXPECT_EQ(test::code_of([&] { here.pool.listen({asio::ip::address_v4::loopback(), 0}, [](reactor_connection) {}); }), errc::stopped);
}

TEST(ReactorPool, of_an_idle_worker_costs_no_processor) {
    for (const auto strategy : {idle_strategy::spin_then_park, idle_strategy::park}) {
        auto asked = reactor_plan();
        asked.idle.strategy = strategy;
        reactors_here here(2, asked);
        const auto tid = asio::post(here.pool.on(0), asio::use_future([] { return ::gettid(); })).get();
        ASSERT_TRUE(test::within(5s, [&] { return here.pool.status().workers[0].asleep; }));
        const auto before = test::cpu_time_of_sleeping(tid);
        std::this_thread::sleep_for(200ms);
        EXPECT_EQ(test::cpu_time_of_sleeping(tid), before);
    }
}

TEST(ReactorPool, loses_no_wake_up) {
    for (const auto strategy : {idle_strategy::spin_then_park, idle_strategy::park}) {
        auto asked = reactor_plan();
        asked.idle.strategy = strategy;
        asked.idle.spin = 2us;
        reactors_here here(2, asked);
        std::atomic<std::uint64_t> left{test::sanitized ? 5'000 : 50'000};
        std::promise<void> over;
        std::function<void(std::uint32_t)> play = [&](std::uint32_t to) {
            asio::post(here.pool.on(to), [&, to] {
                if (left.fetch_sub(1) == 1) { return over.set_value(); }
                play(1 - to);
            });
        };
        play(0);
        over.get_future().get();
        const auto s = here.pool.status();
        for (const auto& w : s.workers) { EXPECT_LE(w.doorbells, w.sleeps); }
        here.pool.join();
    }
}

TEST(ReactorPool, of_a_forked_process_is_left_alone_in_the_child) {
    auto here = std::make_unique<reactors_here>(2);
    asio::post(here->pool.on(0), asio::use_future([] {})).get();
    const auto child = ::fork();
    if (child == 0) {
        int wrong = 0;
        if (here->pool.try_post(here->pool.on(0), [] {}) != errc::forked) { wrong |= 1; }
        try {
            asio::post(here->pool.on(1), [] {});
            wrong |= 2;
        } catch (const boost::system::system_error& e) {
            if (e.code() != errc::forked) { wrong |= 4; }
        }
        here->pool.stop();
        here->pool.join();
        if (here->pool.stop(1s) != 0) { wrong |= 8; }
        here.reset();
        ::_exit(wrong);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(asio::post(here->pool.on(1), asio::use_future([] { return 7; })).get(), 7);
}

}  // namespace
}  // namespace numasio
