// What is told of tasks and workers beside what they do: hooks, stalls, slices, priorities.
#include <numasio/affinity.hpp>
#include <numasio/should_yield.hpp>

#include "support/task_pools.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

namespace numasio::test {

/// Not of this file alone: a stack shows the names of what the program exports.
[[gnu::noinline]] void wait_until_it_may_end(const std::atomic<bool>& may_end) {
    while (!may_end) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
}

}  // namespace numasio::test

namespace numasio {
namespace {

namespace asio = boost::asio;
using test::wait_until_it_may_end;
using namespace std::chrono_literals;
using test::task_pool_here;
using test::task_pool_plan;

/// Follows each task by its id.
class ledger final : public task_observer {
public:
    void enqueued(const task_event& task) noexcept override {
        const std::lock_guard lock(mutex_);
        ++enqueued_;
        faults_ += !open_.emplace(task.id, 0).second;
        names_[task_name(task)]++;
    }
    void refused(const task_event& task) noexcept override {
        const std::lock_guard lock(mutex_);
        ++refused_;
        faults_ += open_.erase(task.id) != 1;
    }
    void started(const task_event& task, const worker_site& where) noexcept override {
        const std::lock_guard lock(mutex_);
        ++started_;
        const auto found = open_.find(task.id);
        faults_ += found == open_.end() || where.pool != "tasks";
        if (found != open_.end()) { open_.erase(found); }  // its memory may be another's from now on
    }
    void ended(const task_event&, const worker_site&, bool failed) noexcept override {
        const std::lock_guard lock(mutex_);
        ++ended_;
        failed_ += failed;
    }

    std::mutex mutex_;
    int enqueued_ = 0, refused_ = 0, started_ = 0, ended_ = 0, failed_ = 0, faults_ = 0;
    std::map<const void*, int> open_;
    std::map<std::string, int> names_;
};

struct load_step {
    static constexpr const char* task_name = "load step";
    void operator()() const {}
};

struct observed_pool {
    explicit observed_pool(pool_plan asked = task_pool_plan())
        : machine(discover_topology()), pool(std::move(asked), machine, test::task_sites(machine, 1, 2), {.observer = &seen}) {}
    ledger seen;
    topology machine;
    node_pool pool;
};

TEST(TaskObserver, sees_each_task_when_it_is_queued_begins_and_ends) {
    observed_pool here;
    for (int i = 0; i < 500; ++i) {
        asio::post(here.pool.get_executor(), [&] {
            asio::post(here.pool.get_executor(), load_step());
            asio::post(here.pool.on(1u), [] { throw std::runtime_error("no"); });
        });
    }
    here.pool.join();
    auto& seen = here.seen;
    EXPECT_EQ(seen.enqueued_, 1500);
    EXPECT_EQ(seen.started_, 1500);
    EXPECT_EQ(seen.ended_, 1500);
    EXPECT_EQ(seen.failed_, 500);
    EXPECT_EQ(seen.refused_, 0);
    EXPECT_EQ(seen.faults_, 0);
    EXPECT_TRUE(seen.open_.empty());
    EXPECT_EQ(seen.names_["load step"], 500);
}

TEST(TaskObserver, sees_what_is_refused) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 4;
    observed_pool here(asked);
    here.pool.pause();
    int taken = 0;
    for (int i = 0; i < 10; ++i) { taken += !here.pool.try_post(here.pool.get_executor(), [] {}); }
    here.pool.resume();
    here.pool.join();
    EXPECT_EQ(here.seen.enqueued_, 10);
    EXPECT_EQ(here.seen.refused_, 10 - taken);
    EXPECT_EQ(here.seen.ended_, taken);
    EXPECT_EQ(here.seen.faults_, 0);
}

TEST(PoolHooks, are_called_on_each_worker_before_its_first_task_and_after_its_last) {
    const auto machine = discover_topology();
    std::mutex mutex;
    std::map<std::uint32_t, std::thread::id> began, ended;
    std::atomic<int> too_early{0};
    {
        node_pool pool(task_pool_plan(), machine, test::task_sites(machine, 1, 2),
                       {.starts =
                            [&](const worker_site& site) {
                                std::this_thread::sleep_for(5ms);
                                const std::lock_guard lock(mutex);
                                began[site.index] = std::this_thread::get_id();
                            },
                        .ends =
                            [&](const worker_site& site) {
                                const std::lock_guard lock(mutex);
                                ended[site.index] = std::this_thread::get_id();
                            }});
        EXPECT_EQ(began.size(), 2u);
        for (std::uint32_t w = 0; w < 2; ++w) {
            EXPECT_EQ(asio::post(pool.on(w), asio::use_future([] { return std::this_thread::get_id(); })).get(), began[w]);
        }
        EXPECT_TRUE(ended.empty());
        pool.join();
        EXPECT_EQ(ended, began);
    }
}

TEST(PoolHooks, that_throw_fail_the_start) {
    const auto machine = discover_topology();
    const auto start = [&] {
        node_pool pool(task_pool_plan(), machine, test::task_sites(machine, 1, 2), {.starts = [](const worker_site&) { throw std::runtime_error("no licence"); }});
    };
    EXPECT_THROW(start(), std::runtime_error);
}

struct parse_book {
    static constexpr const char* task_name = "parse book";
    std::latch* may_end;
    void operator()() const { may_end->wait(); }
};

TEST(TaskStall, is_told_once_with_worker_and_task_and_the_state_is_stuck_meanwhile) {
    task_pool_here here(1);
    std::vector<task_stall> told;
    here.pool.on_stall(30ms, [&](const task_stall& stall) { told.push_back(stall); });
    const auto look = [&] { here.pool.look_after([](const placement&) {}); };
    look();
    EXPECT_TRUE(told.empty());
    std::latch may_end(1);
    asio::post(here.pool.get_executor(), parse_book{&may_end});
    while (here.pool.status().workers[0].running.empty()) { std::this_thread::yield(); }
    EXPECT_EQ(here.pool.status().workers[0].running, "parse book");
    look();  // sees it for the first time
    EXPECT_EQ(here.pool.status().workers[0].state, worker_state::running);
    std::this_thread::sleep_for(40ms);
    look();
    EXPECT_EQ(told.size(), 1u);
    for (const auto& stall : told) {
        EXPECT_EQ(stall.task, "parse book");
        EXPECT_EQ(stall.site.index, 0u);
        EXPECT_GE(stall.lasting, 40ms);
    }
    std::this_thread::sleep_for(1s);
    look();
    EXPECT_EQ(told.size(), 1u);
    EXPECT_EQ(here.pool.status().workers[0].state, worker_state::stuck);
    EXPECT_EQ(here.pool.status().workers[0].stalls, 1u);
    may_end.count_down();
    while (here.pool.status().workers[0].ran == 0) { std::this_thread::yield(); }
    EXPECT_EQ(here.pool.status().workers[0].state, worker_state::running);
    EXPECT_EQ(here.pool.status().workers[0].running, "");
}

TEST(TaskStall, is_looked_for_as_often_as_its_limit_needs) {
    task_pool_here here(1);
    EXPECT_EQ(here.pool.look_for_stalls(), std::chrono::nanoseconds::max());
    const auto nothing = [](const task_stall&) {};
    here.pool.on_stall(40ms, nothing);
    EXPECT_EQ(here.pool.look_for_stalls(), 10ms);
    here.pool.on_stall(1us, nothing);
    EXPECT_EQ(here.pool.look_for_stalls(), 1ms);
    here.pool.on_stall(1us, {});
    EXPECT_EQ(here.pool.look_for_stalls(), std::chrono::nanoseconds::max());
}

struct endless {
    std::atomic<bool>* may_end;
    void operator()() const { wait_until_it_may_end(*may_end); }
};

TEST(TaskStall, has_the_workers_stack_where_a_signal_was_given_for_it) {
    std::atomic<bool> may_end{false};
    task_pool_here here(1);
    std::vector<task_stall> told;
    const auto tell = [&](const task_stall& stall) { told.push_back(stall); };
    const int signal = SIGRTMIN + 3;
    here.pool.on_stall(10ms, tell, signal);
    // Again where the machine was too busy for the worker to answer in time.
    for (int attempt = 0; attempt < 20 && (told.empty() || told.back().trace.empty()); ++attempt) {
        may_end = false;
        asio::post(here.pool.get_executor(), endless{&may_end});
        for (const auto before = told.size(); told.size() == before; std::this_thread::sleep_for(5ms)) {
            here.pool.look_after([](const placement&) {});
        }
        may_end = true;
        while (here.pool.status().workers[0].ran != told.size()) { std::this_thread::yield(); }
    }
    const auto& trace = told.back().trace;
    EXPECT_THAT(trace, testing::Contains(testing::HasSubstr("wait_until_it_may_end")));
    ASSERT_FALSE(trace.empty());
    EXPECT_THAT(trace.front(), testing::Not(testing::HasSubstr("answer")));  // not the handler itself
    here.pool.on_stall(10ms, tell, signal);  // it is known
    const auto refused = [&](int other) -> error_code {
        try {
            here.pool.on_stall(10ms, tell, other);
        } catch (const boost::system::system_error& e) {
            return e.code();
        }
        return {};
    };
    EXPECT_EQ(refused(SIGKILL), boost::system::errc::invalid_argument);
    EXPECT_EQ(refused(4711), boost::system::errc::invalid_argument);
    const int used = SIGRTMIN + 4;
    struct sigaction before {};
    ASSERT_EQ(::sigaction(used, nullptr, &before), 0);
    ASSERT_NE(std::signal(used, SIG_IGN), SIG_ERR);
    EXPECT_EQ(refused(used), boost::system::errc::device_or_resource_busy);
    ASSERT_EQ(::sigaction(used, &before, nullptr), 0);
}

TEST(TaskStall, of_two_workers_one_is_told_in_a_second) {
    task_pool_here here(2);
    std::vector<std::uint32_t> told;
    here.pool.on_stall(1ms, [&](const task_stall& stall) { told.push_back(stall.site.index); });
    std::latch may_end(1);
    for (std::uint32_t w = 0; w < 2; ++w) { asio::post(here.pool.on(w), [&] { may_end.wait(); }); }
    const auto busy = [&] { return !here.pool.status().workers[0].running.empty() && !here.pool.status().workers[1].running.empty(); };
    while (!busy()) { std::this_thread::yield(); }
    const auto look = [&] { here.pool.look_after([](const placement&) {}); };
    look();
    std::this_thread::sleep_for(5ms);
    look();
    look();
    EXPECT_EQ(told.size(), 1u);
    std::this_thread::sleep_for(1050ms);
    look();
    EXPECT_THAT(told, testing::UnorderedElementsAre(0u, 1u));
    may_end.count_down();
}

TEST(ShouldYield, is_true_once_a_task_has_had_its_slice) {
    task_pool_here here(1);
    EXPECT_FALSE(should_yield());
    const auto asked = asio::post(here.pool.get_executor(), asio::use_future([] {
        const auto start = std::chrono::steady_clock::now();
        const bool first = should_yield();
        int times = 0;
        while (!should_yield()) { ++times; }
        return std::tuple(first, times, std::chrono::steady_clock::now() - start);
    })).get();
    EXPECT_FALSE(std::get<0>(asked));
    EXPECT_GE(std::get<2>(asked), 100us);
    EXPECT_FALSE(asio::post(here.pool.get_executor(), asio::use_future([] { return should_yield(); })).get());  // a slice of its own
}

TEST(BulkWeight, changes_while_the_pool_runs) {
    task_pool_here here(1);
    const auto share_of_bulk = [&](std::uint32_t weight) {
        here.pool.set_bulk_weight(weight);
        here.pool.pause();
        int bulk = 0, others = 0, bulk_at_the_end = 0;
        std::latch all_ran(2000);
        for (int i = 0; i < 1000; ++i) {
            asio::post(here.pool.get_executor(), [&] {
                if (++others == 1000) { bulk_at_the_end = bulk; }
                all_ran.count_down();
            });
            asio::post(node_pool::bulk(here.pool.get_executor()), [&] {
                ++bulk;
                all_ran.count_down();
            });
        }
        here.pool.resume();
        all_ran.wait();
        return bulk_at_the_end;
    };
    const int with_one = share_of_bulk(1), with_many = share_of_bulk(32);
    EXPECT_GE(with_one, 10);
    EXPECT_LE(with_one, 20);
    EXPECT_GE(with_many, 300);
}

TEST(Priority, is_read_back_or_told_as_degraded_and_strict_enforcement_fails_the_start) {
    auto asked = task_pool_plan();
    asked.realtime = 1;
    const auto machine = discover_topology();
    const auto refused = [] {
        std::optional<error_code> ec;
        std::thread([&] { ec = set_this_thread_fifo(1); }).join();
        return *ec;
    }();
    {
        node_pool pool(asked, machine, test::task_sites(machine, 1, 1));
        const auto got = asio::post(pool.get_executor(), asio::use_future([] { return this_thread_fifo(); })).get();
        const auto all = pool.placements();
        const auto found = std::find_if(all.begin(), all.end(), [](const placement& p) { return p.subject == placement_subject::priority; });
        ASSERT_NE(found, all.end());
        EXPECT_EQ(found->asked, "SCHED_FIFO 1");
        EXPECT_EQ(got, refused ? std::nullopt : std::optional(1));
        EXPECT_EQ(found->outcome, refused ? placement_outcome::degraded : placement_outcome::honoured);
    }
    asked.enforce = enforcement::strict;
    const auto start = [&] { node_pool pool(asked, machine, test::task_sites(machine, 1, 1)); };
    if (refused) { EXPECT_THROW(start(), boost::system::system_error); }
    else { EXPECT_NO_THROW(start()); }
}

}  // namespace
}  // namespace numasio
