// Work without a key: pinned workers as Asio executors, fork and join, an object on each; no bridge, and no plan file.
#include <numasio/layout.hpp>
#include <numasio/node_pool.hpp>
#include <numasio/sharded.hpp>
#include <numasio/sharded_counter.hpp>
#include <numasio/task_group.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <functional>
#include <iostream>

namespace asio = boost::asio;

numasio::sharded_counter forks;                   // each thread counts in memory of its own

int fib(numasio::node_pool& pool, int n) {
    if (n < 10) { return n < 2 ? n : fib(pool, n - 1) + fib(pool, n - 2); }
    int left = 0;
    numasio::task_group group{pool.get_executor()};
    group.run([&] { left = fib(pool, n - 1); });  // in wait(), or meanwhile on an idle worker
    forks.add();
    const int right = fib(pool, n - 2);
    group.wait();                                 // runs tasks until then: no thread stands still
    return left + right;
}

struct tally {                                    // one on each worker, touched there and nowhere else: no lock
    int keys = 0;
};

asio::awaitable<int> count(numasio::sharded<tally>& tallies) {
    for (int key = 0; key < 12; ++key) {
        co_await tallies.invoke_on_home(key, [](tally& one) { ++one.keys; }, asio::use_awaitable);
    }
    co_return co_await tallies.map_reduce([](tally& one) { return one.keys; }, std::plus<>(), 0, asio::use_awaitable);
}

int main() {
    numasio::plan plan;                           // a value; numasio::control reads it from YAML, too
    auto& asked = plan.pools.emplace_back();
    asked.name = "work";
    asked.run = numasio::run_mode::tasks;
    asked.tasks.order = numasio::task_order::newest_first;  // for fork and join
    const auto machine = numasio::discover_topology();
    const auto layout = numasio::make_layout(plan, machine);  // which worker on which CPU; throws plan_error
    numasio::node_pool pool{asked, machine, layout.workers_of(asked.name)};  // pins them; placements() says what it got

    numasio::sharded_counter posted;
    asio::post(pool.get_executor(), [&] { posted.add(); });  // throws errc::pool_full where there is no room
    const auto refused = pool.try_post(pool.home_of(7), [&] { posted.add(); });  // returns it

    const auto node = pool.sites().front().node;
    std::cout << "fib " << asio::post(pool.on(node), asio::use_future([&] { return fib(pool, 20); })).get() << '\n';
    numasio::sharded<tally> tallies{pool};
    tallies.start();
    std::cout << "keys " << asio::co_spawn(pool.on(node), count(tallies), asio::use_future).get() << '\n';
    tallies.stop();

    pool.join();                                  // all work is done, and the workers have ended
    std::cout << "forks " << forks.value() << ", posted " << posted.value() << '\n';
    return refused ? 1 : 0;
}
