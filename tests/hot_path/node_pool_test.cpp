// A task pool: where tasks run, in which order and share, what is refused, who steals, and what it says of itself.
#include <numasio/node_pool.hpp>

#include <numasio/affinity.hpp>
#include <numasio/devices.hpp>

#include "support/cpu_time.hpp"
#include "support/failures.hpp"
#include "support/sanitized.hpp"
#include "support/task_pools.hpp"
#include "support/threads.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
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
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::held_worker;
using test::on_worker;
using test::task_pool_here;
using test::task_pool_plan;

std::uint32_t cpus() { return static_cast<std::uint32_t>(discover_topology().allowed_cpus().size()); }

std::uint64_t sum(const task_pool_status& s, std::uint64_t task_worker_status::*of) {
    std::uint64_t n = 0;
    for (const auto& worker : s.workers) { n += worker.*of; }
    return n;
}

TEST(NodePool, pins_its_workers_and_says_so) {
    task_pool_here here(1);
    EXPECT_THAT(on_worker(here.pool.get_executor(), [] { return this_thread_cpus(); }), testing::ElementsAre(here.pool.sites().front().cpu));
    const auto placed = here.pool.placements();
    ASSERT_FALSE(placed.empty());
    EXPECT_EQ(placed.front().subject, placement_subject::cpu);
    EXPECT_EQ(placed.front().owner, "tasks/0");
    EXPECT_EQ(placed.front().outcome, placement_outcome::honoured) << to_text(placed.front());
}

TEST(NodePool, runs_each_task_of_a_worker_on_that_worker) {
    task_pool_here here(4);
    std::vector<std::set<std::thread::id>> seen(4);
    std::mutex mutex;
    for (int i = 0; i < 4000; ++i) {
        const auto worker = static_cast<std::uint32_t>(i % 4);
        asio::post(here.pool.on(worker), [&, worker] {
            const std::lock_guard lock(mutex);
            seen[worker].insert(std::this_thread::get_id());
        });
    }
    here.pool.join();
    std::set<std::thread::id> all;
    for (const auto& of_worker : seen) {
        EXPECT_EQ(of_worker.size(), 1u);
        all.insert(of_worker.begin(), of_worker.end());
    }
    EXPECT_EQ(all.size(), 4u);
}

TEST(NodePool, keeps_a_keys_tasks_on_one_worker_whatever_its_size) {
    task_pool_here here(4);
    const auto home = here.pool.home_of("some key");
    const auto id = on_worker(home, [] { return std::this_thread::get_id(); });
    here.pool.resize(1);
    EXPECT_EQ(on_worker(here.pool.home_of("some key"), [] { return std::this_thread::get_id(); }), id);
    EXPECT_TRUE(home == here.pool.home_of("some key"));
}

TEST(NodePool, runs_tasks_of_a_node_there_and_nowhere_else) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 20'000;
    task_pool_here here(2, asked, 2);
    const auto nodes = here.machine.executor_nodes();
    std::map<std::thread::id, std::uint64_t> ran;
    std::mutex mutex;
    std::set<std::thread::id> of_second;
    for (std::uint32_t w = 2; w < 4; ++w) { of_second.insert(on_worker(here.pool.on(w), [] { return std::this_thread::get_id(); })); }
    for (int i = 0; i < 20'000; ++i) {
        asio::dispatch(here.pool.on(nodes[1]), [&] {
            const std::lock_guard lock(mutex);
            ++ran[std::this_thread::get_id()];
        });
        if (i % 1000 == 0) { std::this_thread::sleep_for(1ms); }
    }
    here.pool.join();
    std::uint64_t there = 0, elsewhere = 0;
    for (const auto& [thread, n] : ran) { (of_second.contains(thread) ? there : elsewhere) += n; }
    EXPECT_EQ(there, 20'000u);
    EXPECT_EQ(elsewhere, 0u);
    EXPECT_THROW(static_cast<void>(here.pool.on(node_id{77})), boost::system::system_error);
    EXPECT_THROW(static_cast<void>(here.pool.on(4u)), boost::system::system_error);
}

TEST(NodePool, finds_here_and_the_nearest_node) {
    task_pool_here here(2);
    EXPECT_TRUE(on_worker(here.pool.on(1u), [&] { return here.pool.here() == here.pool.on(1u); }));
    const auto node = here.machine.executor_nodes().front();
    test::on_new_thread([&] {
        ASSERT_FALSE(pin_this_thread(here.machine.allowed_cpus(node)));
        EXPECT_TRUE(here.pool.here() == here.pool.on(node));
    });
    EXPECT_TRUE(here.pool.nearest(node) == here.pool.on(node));
    EXPECT_TRUE(here.pool.nearest(node_id{99}) == here.pool.on(node));
    device_info device;
    EXPECT_TRUE(here.pool.nearest(device) == here.pool.get_executor());  // nobody knows where it is
    device.locality = device_locality::one_node;
    device.nodes = {node};
    EXPECT_TRUE(here.pool.nearest(device) == here.pool.on(node));
}

TEST(NodePool, takes_what_is_out_of_range_for_the_nearest_in_it) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 0;
    asked.tasks.budget = 0;
    asked.tasks.bulk_weight = 0;
    task_pool_here here(1, asked);
    here.pool.pause();
    while (!here.pool.status().workers[0].asleep) { std::this_thread::yield(); }  // one that looks for tasks as the order comes takes some with it
    EXPECT_FALSE(here.pool.try_post(here.pool.get_executor(), [] {}));
    EXPECT_FALSE(here.pool.try_post(here.pool.get_executor(), [] {}));
    EXPECT_EQ(here.pool.try_post(here.pool.get_executor(), [] {}), errc::pool_full);
    here.pool.resume();
    // A bulk task has its turn although others never end.
    std::atomic<bool> bulk_ran{false};
    std::function<void()> again = [&] {
        if (!bulk_ran) { asio::post(here.pool.get_executor(), again); }
    };
    asio::post(node_pool::bulk(here.pool.get_executor()), asio::use_future([] {})).get();
    on_worker(here.pool.get_executor(), [&] {
        again();
        asio::post(node_pool::bulk(here.pool.get_executor()), [&] { bulk_ran = true; });
    });
    here.pool.join();
    EXPECT_TRUE(bulk_ran);
}

TEST(NodePool, refuses_new_work_from_outside_when_full_and_nothing_else) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 8;
    task_pool_here here(1, asked);
    held_worker held(here.pool.get_executor());
    std::atomic<int> ran{0};
    for (int i = 0; i < 8; ++i) { asio::post(here.pool.get_executor(), [&] { ++ran; }); }
    try {
        asio::post(here.pool.get_executor(), [&] { ++ran; });
        ADD_FAILURE() << "a ninth task was taken";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::pool_full);
        EXPECT_THAT(e.what(), testing::HasSubstr("tasks"));
    }
    auto more = [&] { ++ran; };
    EXPECT_EQ(here.pool.try_post(here.pool.get_executor(), more), errc::pool_full);
    EXPECT_EQ(here.pool.status().refused, 2u);
    // What was admitted goes on: a strand's turn, a coroutine.
    const auto strand = asio::make_strand(here.pool.get_executor());
    asio::post(strand, [&] { ++ran; });
    asio::co_spawn(here.pool.get_executor(), [&]() -> asio::awaitable<void> { ++ran; co_return; }, asio::detached);
    held.release();
    here.pool.join();
    EXPECT_EQ(ran, 10);
    // A pool that was joined runs nothing any more.
    EXPECT_FALSE(here.pool.status().accepting);
    EXPECT_EQ(here.pool.try_post(here.pool.get_executor(), more), errc::stopped);
}

TEST(NodePool, posts_to_the_pool_of_the_executor) {
    task_pool_here here(1), other(2);
    std::promise<bool> there;
    EXPECT_EQ(here.pool.try_post(other.pool.on(1u), [&] { there.set_value(other.pool.runs_here()); }), error_code());
    EXPECT_TRUE(there.get_future().get());
}

TEST(NodePool, refuses_sites_that_are_not_its_own) {
    const auto machine = discover_topology();
    const auto text_of = [&](std::vector<worker_site> sites, idle_strategy idle = idle_strategy::park) {
        auto asked = test::task_pool_plan();
        asked.idle.strategy = idle;
        try {
            node_pool pool(asked, machine, std::move(sites));
        } catch (const std::exception& e) { return std::string(e.what()); }
        return std::string();
    };
    using testing::HasSubstr;
    EXPECT_THAT(text_of({}), HasSubstr("pool 'tasks': no site"));
    auto sites = test::task_sites(machine, 1, 2);
    sites[1].index = 0;
    EXPECT_THAT(text_of(sites), HasSubstr("two sites of number 0"));
    sites[1].pool = "second";
    EXPECT_THAT(text_of(sites), HasSubstr("a site of pool 'second'; make_layout(plan, machine).workers_of(\"tasks\")"));
    EXPECT_THAT(text_of(test::task_sites(machine, 1, 1), idle_strategy::caller_drives), HasSubstr("caller_drives"));
}

TEST(NodePool, tasks_that_did_not_fit_keep_their_order) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 4;
    task_pool_here here(1, asked);
    held_worker held(here.pool.get_executor());
    std::vector<int> order;
    for (int i = 0; i < 1000; ++i) { here.pool.get_executor().execute([&order, i] { order.push_back(i); }); }
    EXPECT_EQ(here.pool.status().queued, 1000u);
    held.release();
    here.pool.join();
    ASSERT_EQ(order.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(NodePool, a_worker_is_never_refused_its_own_tasks) {
    auto asked = task_pool_plan();
    asked.tasks.capacity = 2;
    task_pool_here here(2, asked);
    std::atomic<int> ran{0};
    asio::post(here.pool.get_executor(), [&] {
        for (int i = 0; i < 10'000; ++i) { asio::post(here.pool.get_executor(), [&] { ++ran; }); }
        for (int i = 0; i < 1'000; ++i) { asio::post(here.pool.on(1u), [&] { ++ran; }); }
    });
    here.pool.join();
    EXPECT_EQ(ran, 11'000);
}

TEST(NodePool, newest_first_runs_what_was_made_last) {
    auto asked = task_pool_plan();
    asked.tasks.order = task_order::newest_first;
    task_pool_here here(1, asked);
    std::vector<int> order;
    asio::post(here.pool.get_executor(), [&] {
        for (int i = 0; i < 5; ++i) { asio::post(here.pool.get_executor(), [&, i] { order.push_back(i); }); }
    });
    here.pool.join();
    EXPECT_THAT(order, testing::ElementsAre(4, 3, 2, 1, 0));
}

TEST(NodePool, idle_workers_steal_what_a_busy_one_has) {
    task_pool_here here(2);
    std::latch all(100);
    std::set<std::thread::id> seen;
    std::mutex mutex;
    const auto own = on_worker(here.pool.get_executor(), [&] {
        for (int i = 0; i < 100; ++i) {
            asio::post(here.pool.get_executor(), [&] {
                {
                    const std::lock_guard lock(mutex);
                    seen.insert(std::this_thread::get_id());
                }
                all.count_down();
            });
        }
        all.wait();  // none of them can run here
        return std::this_thread::get_id();
    });
    EXPECT_FALSE(seen.contains(own));
    here.pool.join();
    EXPECT_GE(sum(here.pool.status(), &task_worker_status::stolen), 100u);
}

TEST(NodePool, crosses_the_node_border_only_where_the_plan_says_so_and_counts_it) {
    for (const auto scope : {steal_scope::node, steal_scope::any}) {
        auto asked = task_pool_plan();
        asked.tasks.steal = scope;
        asked.tasks.backlog = 10;
        task_pool_here here(1, asked, 2);
        const auto first = here.machine.executor_nodes().front();
        const auto second = on_worker(here.pool.on(1u), [] { return std::this_thread::get_id(); });
        held_worker held(here.pool.on(0u));
        std::atomic<int> ran{0}, abroad{0};
        for (int i = 0; i < 200; ++i) {
            asio::post(here.pool.on(first), [&] { ++ran, abroad += std::this_thread::get_id() == second; });
        }
        const auto until = std::chrono::steady_clock::now() + (scope == steal_scope::any ? 5s : 50ms);
        while (abroad < 150 && std::chrono::steady_clock::now() < until) { std::this_thread::sleep_for(1ms); }
        if (scope == steal_scope::node) {
            EXPECT_EQ(abroad, 0);
        } else {
            EXPECT_GE(abroad, 150);
            EXPECT_LT(ran, 200) << "the backlog that the plan leaves alone was taken";
        }
        held.release();
        here.pool.join();
        EXPECT_EQ(ran, 200);
        const auto s = here.pool.status();
        EXPECT_EQ(sum(s, &task_worker_status::stolen_abroad) != 0, scope == steal_scope::any);
        EXPECT_EQ(sum(s, &task_worker_status::stolen_abroad), static_cast<std::uint64_t>(abroad));
    }
}

TEST(NodePool, bulk_gets_its_share_of_a_worker_that_never_idles) {
    auto asked = task_pool_plan();
    asked.tasks.bulk_weight = 8;
    task_pool_here here(1, asked);
    std::uint64_t latency = 0, bulk = 0;
    const auto at = here.pool.get_executor();
    std::function<void()> go_on = [&] {
        ++latency;
        if (latency < 20'000) { asio::post(at, go_on); }
    };
    std::uint64_t bulk_at_end = 0;
    std::promise<void> posted;
    asio::post(at, [&] {
        for (int i = 0; i < 900; ++i) { asio::post(node_pool::bulk(at), [&] { ++bulk, bulk_at_end = latency; }); }
        for (int i = 0; i < 4; ++i) { asio::post(at, go_on); }
    });
    here.pool.join();
    EXPECT_EQ(bulk, 900u);
    // 8 to each 64: all 900 have run after 7200 of the others, or little later, and not before.
    EXPECT_GT(bulk_at_end, 6'500u);
    EXPECT_LT(bulk_at_end, 8'000u);
}

TEST(NodePool, tasks_from_outside_are_not_kept_waiting_by_a_worker_that_never_idles) {
    task_pool_here here(1);
    std::atomic<bool> arrived{false};
    std::atomic<std::uint64_t> turns{0};
    std::function<void()> go_on = [&] {
        ++turns;
        if (!arrived) { asio::post(here.pool.get_executor(), go_on); }
    };
    asio::post(here.pool.get_executor(), go_on);
    while (turns < 1000) { std::this_thread::yield(); }
    std::atomic<std::uint64_t> seen_at{0};
    std::promise<void> done;
    const auto before = turns.load();
    asio::post(here.pool.get_executor(), [&] { arrived = true, seen_at = turns.load(), done.set_value(); });
    done.get_future().get();
    here.pool.join();
    EXPECT_GE(seen_at, before);
    EXPECT_TRUE(arrived);
}

TEST(NodePool, counts_tasks_that_throw_and_lives_on) {
    task_pool_here here(2);
    for (int i = 0; i < 1000; ++i) { asio::post(here.pool.get_executor(), [] { throw std::runtime_error("the reason"); }); }
    EXPECT_EQ(on_worker(here.pool.get_executor(), [] { return 3; }), 3);
    here.pool.join();
    const auto s = here.pool.status();
    EXPECT_EQ(sum(s, &task_worker_status::failed), 1000u);
    EXPECT_EQ(s.workers[0].first_failure.empty() ? s.workers[1].first_failure : s.workers[0].first_failure, "the reason");
}

TEST(NodePool, idle_it_uses_no_processor) {
    task_pool_here here(2);
    asio::steady_timer timer(here.pool.get_executor(), 1h);  // so that one leads
    timer.async_wait([](auto) {});
    std::this_thread::sleep_for(50ms);
    const auto before = test::cpu_time_of_process();
    std::this_thread::sleep_for(300ms);
    // Under a sanitizer its own threads count, too; on an emulated machine what passes while a processor waits for the host's.
    EXPECT_LT(test::cpu_time_of_process() - before, test::sanitized || !test::processor_time_is_real() ? 150ms : 3ms);
    timer.cancel();
}

TEST(NodePool, has_more_workers_than_there_are_processors) {
    task_pool_here here(2 * cpus() + 1);
    std::atomic<std::uint64_t> ran{0};
    std::vector<std::jthread> producers;
    for (int p = 0; p < 3; ++p) {
        producers.emplace_back([&] {
            for (int i = 0; i < 20'000; ++i) {
                while (here.pool.try_post(here.pool.get_executor(), [&] { asio::post(here.pool.get_executor(), [&] { ++ran; }); })) { std::this_thread::yield(); }
            }
        });
    }
    producers.clear();
    here.pool.join();
    EXPECT_EQ(ran, 60'000u);
}

TEST(NodePool, more_than_64_workers_on_a_node_all_take_part) {
    task_pool_here here(70);
    std::latch all(70);
    for (int i = 0; i < 70; ++i) { asio::post(here.pool.get_executor(), [&] { all.arrive_and_wait(); }); }
    here.pool.join();
    EXPECT_TRUE(all.try_wait());
}

TEST(NodePool, wakes_for_each_of_many_single_tasks) {
    task_pool_here here(2);
    for (int i = 0; i < 1500; ++i) {
        std::promise<void> done;
        asio::post(here.pool.get_executor(), [&] { done.set_value(); });
        ASSERT_EQ(done.get_future().wait_for(20s), std::future_status::ready) << "task " << i << " was not run";
    }
}

TEST(NodePool, refuses_a_machine_that_is_not_this_one) {
    const auto machine = discover_topology("synthetic:NUMANode:2 core:2 pu:1");
    EXPECT_THROW(node_pool(task_pool_plan(), machine, test::task_sites(machine, 1, 1)), boost::system::system_error);
}

TEST(NodePool, a_forked_child_is_refused) {
    task_pool_here here(2);
    const auto child = ::fork();
    if (child == 0) {
        const auto refused = here.pool.try_post(here.pool.get_executor(), [] {});
        ::_exit(refused == errc::forked ? 7 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_EQ(on_worker(here.pool.get_executor(), [] { return 1; }), 1);
}

}  // namespace
}  // namespace numasio
