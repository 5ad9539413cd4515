// Tasks of a node_pool beside Asio's thread_pool, oneTBB and Tokio: from outside, from inside, forked and joined.
#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>
#include <bench/peers/rust_peers.hpp>

#include <numasio/node_pool.hpp>
#include <numasio/task_group.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#ifdef NUMASIO_HAS_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;

std::vector<numasio::cpu_id> used_cpus;
std::atomic<std::uint32_t> next_cpu{0};
void pin_next() { pin(used_cpus[next_cpu++ % used_cpus.size()]); }

/// `count` tasks by an outside thread, each of which counts itself in one shared word: nanoseconds for each.
template <class Post>
double from_outside(std::uint64_t count, Post post) {
    std::atomic<std::uint64_t> left{count};
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
        post([&left] { left.fetch_sub(1, std::memory_order_acq_rel); });
    }
    while (left.load(std::memory_order_acquire) != 0) { pause_briefly(); }
    return seconds_since(start) * 1e9 / static_cast<double>(count);
}

/// `batch` tasks at a time by a task: the last to run of each batch posts the next.
template <class Post>
class inside {
public:
    inside(std::uint64_t count, std::uint64_t batch, Post post) : to_do_(count), batch_(batch), post_(post) {}
    double run() {
        const auto count = static_cast<double>(to_do_);
        const auto start = std::chrono::steady_clock::now();
        post_([this] { next_batch(); });
        over_.wait(false);  // asleep: with two workers there is no CPU for a third thread
        return seconds_since(start) * 1e9 / count;
    }

private:
    void next_batch() {
        if (to_do_ == 0) {
            over_ = true;
            return over_.notify_one();
        }
        to_do_ -= batch_;
        left_.store(batch_, std::memory_order_relaxed);
        for (std::uint64_t i = 0; i < batch_; ++i) {
            post_([this] {
                if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) { next_batch(); }
            });
        }
    }
    std::uint64_t to_do_;
    const std::uint64_t batch_;
    Post post_;
    std::atomic<std::uint64_t> left_{0};
    std::atomic<bool> over_{false};
};
template <class Post>
double from_inside(std::uint64_t count, std::uint64_t batch, Post post) {
    return inside<Post>(count, batch, post).run();
}

/// The pools, each with so many pinned workers.
class pools {
public:
    explicit pools(std::uint32_t workers) : machine_(numasio::discover_topology()) {
        std::vector<numasio::worker_site> sites;
        for (std::uint32_t w = 0; w < workers; ++w) {
            const auto* cpu = machine_.find(used_cpus[w]);
            sites.push_back({"tasks", w, cpu->id, cpu->node, machine_.nearest_memory(cpu->node).value_or(cpu->node)});
        }
        numasio::pool_plan asked;
        asked.name = "tasks";
        asked.tasks.capacity = 1 << 20;  // as unbounded as the peers
        ours = std::make_unique<numasio::node_pool>(asked, machine_, sites);
        asked.tasks.order = numasio::task_order::newest_first;
        ours_for_joins = std::make_unique<numasio::node_pool>(asked, machine_, sites);
        theirs = std::make_unique<asio::thread_pool>(workers);
        std::latch pinned(workers);
        next_cpu = 0;
        for (std::uint32_t w = 0; w < workers; ++w) {
            asio::post(*theirs, [&] { pin_next(), pinned.arrive_and_wait(); });
        }
        pinned.wait();
#ifdef NUMASIO_HAS_TBB
        // It counts the caller as one of them, who only waits here.
        threads = std::make_unique<oneapi::tbb::global_control>(oneapi::tbb::global_control::max_allowed_parallelism, workers + 1);
        arena = std::make_unique<oneapi::tbb::task_arena>(static_cast<int>(workers), 0);
        observer = std::make_unique<pins>(*arena);
#endif
#ifdef NUMASIO_HAS_RUST
        tokio = peer_tokio_pool_new(workers, [](std::size_t) { pin_next(); });
#endif
    }
    ~pools() {
#ifdef NUMASIO_HAS_RUST
        peer_tokio_pool_free(tokio);
#endif
    }
    pools(const pools&) = delete;
    pools& operator=(const pools&) = delete;

    std::unique_ptr<numasio::node_pool> ours, ours_for_joins;
    std::unique_ptr<asio::thread_pool> theirs;
#ifdef NUMASIO_HAS_TBB
    struct pins : oneapi::tbb::task_scheduler_observer {
        explicit pins(oneapi::tbb::task_arena& arena) : task_scheduler_observer(arena) { observe(true); }
        ~pins() override { observe(false); }
        void on_scheduler_entry(bool is_worker) override {
            if (is_worker) { pin_next(); }
        }
    };
    std::unique_ptr<oneapi::tbb::global_control> threads;
    std::unique_ptr<oneapi::tbb::task_arena> arena;
    std::unique_ptr<pins> observer;
#endif
#ifdef NUMASIO_HAS_RUST
    peer_tokio_pool* tokio = nullptr;
#endif

private:
    numasio::topology machine_;
};

#ifdef NUMASIO_HAS_TBB
constexpr const char* no_tbb = "";
#else
constexpr const char* no_tbb = NUMASIO_NO_TBB;
#endif
#ifdef NUMASIO_HAS_RUST
constexpr const char* no_rust = "";
#else
constexpr const char* no_rust = NUMASIO_NO_RUST;
#endif

double measured_ns(std::uint64_t count, auto&& job) {
    const auto start = std::chrono::steady_clock::now();
    job();
    return seconds_since(start) * 1e9 / static_cast<double>(count);
}

std::vector<contender> posting(pools& p, std::uint64_t count, std::uint64_t batch) {
    const auto measure = [count, batch](auto post) { return batch == 0 ? from_outside(count, post) : from_inside(count, batch, post); };
    std::vector<contender> all = {
        {"numasio::node_pool", [&p, measure] { return measure([&p](auto f) { asio::post(p.ours->get_executor(), std::move(f)); }); }},
        {"asio::thread_pool", [&p, measure] { return measure([&p](auto f) { asio::post(p.theirs->get_executor(), std::move(f)); }); }},
        {"oneTBB", {}, no_tbb},
        {"Tokio", {}, no_rust},
    };
#ifdef NUMASIO_HAS_TBB
    all[2].measure = [&p, measure, batch] {
        if (batch == 0) { return measure([&p](auto f) { p.arena->enqueue(std::move(f)); }); }
        // Inside, its cheapest way: a task_group's tasks.
        oneapi::tbb::task_group group;
        double ns = 0;
        ns = measure([&p, &group](auto f) {
            if (oneapi::tbb::this_task_arena::current_thread_index() >= 0 && oneapi::tbb::this_task_arena::max_concurrency() == p.arena->max_concurrency()) {
                group.run(std::move(f));
            } else {
                p.arena->enqueue([&group, f] { group.run(f); });
            }
        });
        p.arena->execute([&] { group.wait(); });
        return ns;
    };
#endif
#ifdef NUMASIO_HAS_RUST
    all[3].measure = [&p, count, batch] {
        return measured_ns(count, [&] { batch == 0 ? peer_tokio_pool_outside(p.tokio, count) : peer_tokio_pool_inside(p.tokio, count, batch); });
    };
#endif
    return all;
}

// --- fork and join ----------------------------------------------------------------------------------

template <class Group>
std::uint64_t fib(const Group& group_of, unsigned n) {
    if (n < 2) { return n; }
    std::uint64_t first = 0;
    auto group = group_of();
    group.run([&] { first = fib(group_of, n - 1); });
    const auto second = fib(group_of, n - 2);
    group.wait();
    return first + second;
}

template <class Group>
std::uint64_t sum(const Group& group_of, std::span<const std::uint64_t> of) {
    if (of.size() <= 256) { return std::accumulate(of.begin(), of.end(), std::uint64_t{0}); }
    std::uint64_t left = 0;
    auto group = group_of();
    group.run([&] { left = sum(group_of, of.first(of.size() / 2)); });
    const auto right = sum(group_of, of.subspan(of.size() / 2));
    group.wait();
    return left + right;
}

/// Microseconds of `job(group_of)` on each kind of pool.
template <class Job>
std::vector<contender> joining(pools& p, Job job) {
    const auto us = [](auto&& run) { return measured_ns(1000, run); };
    const auto on = [us, job](numasio::node_pool& pool) {
        return us([&] {
            const auto at = pool.get_executor();
            std::latch over(1);
            asio::post(at, [&] {
                job([&at] { return numasio::task_group(at); });
                over.count_down();
            });
            over.wait();
        });
    };
    std::vector<contender> all = {
        {"numasio::task_group, newest_first", [&p, on] { return on(*p.ours_for_joins); }},
        {"numasio::task_group, oldest_first", [&p, on] { return on(*p.ours); }},
        {"oneTBB", {}, no_tbb},
    };
#ifdef NUMASIO_HAS_TBB
    all[2].measure = [&p, us, job] {
        return us([&] {
            std::latch over(1);
            p.arena->enqueue([&] {
                job([] { return oneapi::tbb::task_group(); });
                over.count_down();
            });
            over.wait();
        });
    };
#endif
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "tasks of a node_pool beside asio::thread_pool, oneTBB and Tokio");
    used_cpus = two_cpus(asked);
    const auto count = static_cast<std::uint64_t>(asked.repeats(1'000'000)) / 1000 * 1000;
    std::vector<std::uint64_t> values(1 << 20);
    std::iota(values.begin(), values.end(), 1);
    for (const std::uint32_t workers : {1u, 2u}) {
        pools p(workers);
        const auto title = [&](const std::string& what) { return what + ", " + std::to_string(workers) + (workers == 1 ? " worker" : " workers"); };
        for (const std::uint64_t batch : {0u, 1u, 50u, 1000u}) {
            const auto all = posting(p, count, batch);
            print_table(title(batch == 0 ? "Posted from outside" : "Posted from inside, " + std::to_string(batch) + " at a time"), "ns", all, interleave(all, asked.rounds), {0, 1, 2, 3});
        }
        const auto fibs = joining(p, [](const auto& group_of) {
            if (fib(group_of, 26) != 121'393) { give_up(1, "a wrong fib"); }
        });
        print_table(title("fib(26), forked at each step"), "us", fibs, interleave(fibs, asked.rounds), {0, 2});
        const auto sums = joining(p, [&](const auto& group_of) {
            const auto n = static_cast<std::uint64_t>(values.size());
            for (int i = 0; i < 16; ++i) {
                if (sum(group_of, values) != n * (n + 1) / 2) { give_up(1, "a wrong sum"); }
            }
        });
        print_table(title("16 recursive sums of 2^20 numbers, leaves of 256"), "us", sums, interleave(sums, asked.rounds), {0, 2});
    }
}
