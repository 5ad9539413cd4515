// Instructions per task, counted by callgrind: posted and run, by a node_pool and by Asio's thread_pool, of one worker each.
#include <bench/peers/instructions.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/node_pool.hpp>
#include <numasio/task_group.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <latch>
#include <string>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;

constexpr int batch = 64;
constexpr int warm = 32;  // batches

struct ours {
    ours() : machine(numasio::discover_topology()), pool(plan(), machine, sites(machine)) {}
    auto executor() { return pool.get_executor(); }

    static numasio::pool_plan plan() {
        numasio::pool_plan p;
        p.name = "tasks";
        p.idle.strategy = numasio::idle_strategy::park;
        p.enforce = numasio::enforcement::best_effort;  // valgrind knows no mbind
        return p;
    }
    static std::vector<numasio::worker_site> sites(const numasio::topology& machine) {
        const auto cpu = machine.allowed_cpus().front();
        const auto node = machine.find(cpu)->node;
        return {{"tasks", 0, cpu, node, machine.nearest_memory(node).value_or(node)}};
    }
    numasio::topology machine;
    numasio::node_pool pool;
};
struct theirs {
    auto executor() { return pool.get_executor(); }
    asio::thread_pool pool{1};
};

/// 64 at a time by a task of the worker; the last of them posts the next.
template <class Pool>
class inside {
public:
    explicit inside(int count) : batches_(count / batch) {
        asio::post(pool_.executor(), [this] { next(); });
        over_.wait();
    }

private:
    void next() {
        if (posted_ == warm) { start_counting(); }
        if (posted_ == warm + batches_) {
            stop_counting();
            return over_.count_down();
        }
        ++posted_;
        left_ = batch;
        for (int i = 0; i < batch; ++i) {
            asio::post(pool_.executor(), [this] {
                if (--left_ == 0) { next(); }
            });
        }
    }

    Pool pool_;
    const int batches_;
    int posted_ = 0, left_ = 0;
    std::latch over_{1};
};

/// 64 at a time by another thread, while the worker sleeps; then it is woken and runs them.
template <class Pool>
void outside(int count) {
    Pool pool;
    for (int done = -warm; done < count / batch; ++done) {
        if (done == 0) { start_counting(); }
        std::latch all(batch);
        for (int i = 0; i < batch; ++i) {
            asio::post(pool.executor(), [&all] { all.count_down(); });
        }
        all.wait();
    }
    stop_counting();
}

/// A tree of forks and joins: two tasks and a wait at each step.
void grow(const numasio::node_pool::executor_type& at, int leaves) {
    if (leaves == 1) { return; }
    numasio::task_group both(at);
    both.run([&] { grow(at, leaves / 2); });
    grow(at, leaves / 2);
    both.wait();
}
void forked(int count) {
    auto plan = ours::plan();
    plan.tasks.order = numasio::task_order::newest_first;
    const auto machine = numasio::discover_topology();
    numasio::node_pool pool(plan, machine, ours::sites(machine));
    std::latch over(1);
    asio::post(pool.get_executor(), [&] {
        const auto at = pool.get_executor();
        for (int i = 0; i < warm; ++i) { grow(at, batch); }
        start_counting();
        for (int i = 0; i < count / batch; ++i) { grow(at, batch); }
        stop_counting();
        over.count_down();
    });
    over.wait();
}

}  // namespace

int main(int argc, char** argv) {
    return count_instructions(argc, argv, "instructions per task, by callgrind; one round suffices", "Instructions per task, one worker, 64 at a time",
                              {{"numasio::node_pool, from inside", [](int count) { inside<ours> all(count); }},
                               {"asio::thread_pool, from inside", [](int count) { inside<theirs> all(count); }},
                               {"numasio::node_pool, from outside, with a sleep and a wake-up for 64", &outside<ours>},
                               {"asio::thread_pool, from outside, with a sleep and a wake-up for 64", &outside<theirs>},
                               {"numasio::task_group, forked and joined, with two halves at each step", &forked}});
}
