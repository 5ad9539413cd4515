// 1000 tasks of which every tenth takes 50 times as long: how near a node_pool comes to threads that share an index, and whether a task itself takes longer in it.
#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/node_pool.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t tasks = 1000;
constexpr int small = 800;        // steps: about 2 us
constexpr int large = 50 * small;

void compute(int steps) {
    std::uint64_t x = 88172645463325252u;
    for (int i = 0; i < steps; ++i) { x ^= x << 13, x ^= x >> 7, x ^= x << 17; }
    keep(x);
}

/// Large ones at random places, or all of them last.
std::vector<int> steps_of(bool adversarial, std::mt19937& random) {
    std::vector<int> steps(tasks, small);
    std::fill(steps.end() - tasks / 10, steps.end(), large);
    if (!adversarial) { std::shuffle(steps.begin(), steps.end(), random); }
    return steps;
}

/// What one run says: until all were done, and the 99th percentile of how long the small ones took.
struct run_time {
    double total_us = 0;
    double p99_us = 0;
};

class job {
public:
    explicit job(std::vector<int> steps) : steps_(std::move(steps)), took_(steps_.size()), left_(static_cast<std::ptrdiff_t>(steps_.size())) {}
    std::size_t size() const { return steps_.size(); }
    void run(std::size_t i) {
        const auto start = clock_type::now();
        compute(steps_[i]);
        took_[i] = seconds_since(start) * 1e6;
        left_.count_down();
    }
    run_time wait(clock_type::time_point since) {
        left_.wait();
        run_time result{seconds_since(since) * 1e6, 0};
        std::vector<double> smalls;
        for (std::size_t i = 0; i < size(); ++i) {
            if (steps_[i] == small) { smalls.push_back(took_[i]); }
        }
        std::nth_element(smalls.begin(), smalls.begin() + static_cast<std::ptrdiff_t>(smalls.size() * 99 / 100), smalls.end());
        result.p99_us = smalls[smalls.size() * 99 / 100];
        return result;
    }

private:
    std::vector<int> steps_;
    std::vector<double> took_;
    std::latch left_;
};

/// The floor: pinned threads that are there already, and take the next index until there is none.
class index_threads {
public:
    explicit index_threads(const std::vector<numasio::cpu_id>& cpus) {
        for (const auto cpu : cpus) {
            threads_.emplace_back([this, cpu](const std::stop_token& over) {
                pin(cpu);
                idle_.fetch_add(1);
                for (std::uint64_t seen = 0;;) {
                    round_.wait(seen);  // asleep, as a pool's workers are: who waits for the end needs a CPU
                    seen = round_;
                    if (over.stop_requested()) { return; }
                    for (auto i = next_.fetch_add(1); i < job_->size(); i = next_.fetch_add(1)) { job_->run(i); }
                    idle_.fetch_add(1);
                }
            });
        }
        while (idle_ != threads_.size()) { pause_briefly(); }  // all are there
    }
    ~index_threads() {
        for (auto& thread : threads_) { thread.request_stop(); }
        ++round_;
        round_.notify_all();
    }
    index_threads(const index_threads&) = delete;
    index_threads& operator=(const index_threads&) = delete;

    run_time run(job& what) {
        job_ = &what;
        next_ = 0;
        idle_ = 0;
        const auto start = clock_type::now();
        ++round_;
        round_.notify_all();
        const auto result = what.wait(start);
        while (idle_ != threads_.size()) { pause_briefly(); }
        return result;
    }

private:
    job* job_ = nullptr;
    std::atomic<std::size_t> next_{0}, idle_{0};
    std::atomic<std::uint64_t> round_{0};
    std::vector<std::jthread> threads_;
};

template <class Executor>
run_time post_all(const Executor& at, job& what) {
    const auto start = clock_type::now();
    asio::post(at, [&what, at] {  // from inside, as a task that deals out its parts does
        for (std::size_t i = 0; i < what.size(); ++i) {
            asio::post(at, [&what, i] { what.run(i); });
        }
    });
    return what.wait(start);
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "1000 uneven tasks: a node_pool beside threads that share an index, and Asio's thread_pool");
    const auto cpus = two_cpus(asked);
    const auto machine = numasio::discover_topology();
    std::vector<numasio::worker_site> sites;
    for (std::uint32_t w = 0; w < cpus.size(); ++w) {
        const auto* cpu = machine.find(cpus[w]);
        sites.push_back({"uneven", w, cpu->id, cpu->node, machine.nearest_memory(cpu->node).value_or(cpu->node)});
    }
    numasio::pool_plan plan;
    plan.name = "uneven";
    numasio::node_pool ours(plan, machine, sites);
    asio::thread_pool theirs(cpus.size());
    std::latch pinned(static_cast<std::ptrdiff_t>(cpus.size()));
    std::atomic<std::size_t> next{0};
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        asio::post(theirs, [&] {
            pin(cpus[next++]);
            pinned.arrive_and_wait();
        });
    }
    pinned.wait();

    std::mt19937 random(7);
    for (const bool adversarial : {false, true}) {
        const std::string order = adversarial ? "the large ones last" : "random order";
        for (const bool total : {true, false}) {
            const auto said = [total](const run_time& t) { return total ? t.total_us : t.p99_us; };
            const std::vector<contender> all{
                {"a shared index",
                 [&] {
                     job what(steps_of(adversarial, random));
                     index_threads floor(cpus);
                     return said(floor.run(what));
                 }},
                {"numasio::node_pool",
                 [&] {
                     job what(steps_of(adversarial, random));
                     return said(post_all(ours.get_executor(), what));
                 }},
                {"asio::thread_pool",
                 [&] {
                     job what(steps_of(adversarial, random));
                     return said(post_all(theirs.get_executor(), what));
                 }},
            };
            print_table((total ? "All 1000 tasks, " : "p99 of a small task's own time, ") + order, "us", all, interleave(all, asked.rounds), {0});
        }
    }
}
