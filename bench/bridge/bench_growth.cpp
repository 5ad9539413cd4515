// Two threads that post to one worker, among 2 to 256 that have lanes to it: what each message costs.
#include "one_worker.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/cpu_distance.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/bridge.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace numasio::bench;

std::atomic<std::int64_t> served{0};
struct counter {
    explicit counter(numasio::node_context&) {}
    int operator()(int) noexcept {
        served.store(served.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return 0;
    }
};

/// A bridge with one worker and so many threads that have called it. Two of them go on when they are asked, the others sleep.
class crowd {
public:
    crowd(const std::vector<numasio::cpu_id>& cpus, std::uint32_t producers, int each) : bridge_(io_, plan_of(cpus, producers)) {
        auto& p = bridge_.open<int, int, counter>("p");
        bridge_.start();
        control_ = std::thread([this, cpu = cpus[0]] {
            pin(cpu);
            io_.run();
        });
        for (std::uint32_t i = 0; i < producers; ++i) {
            threads_.emplace_back([this, &p, cpu = cpus[0], each, is_active = i < 2] {
                pin(cpu);
                static_cast<void>(p.try_post({0}, 1));  // now it has its lane
                ++registered_;
                if (!is_active) { return ends_.wait(false); }
                for (std::uint32_t seen = 0;;) {
                    go_.wait(seen);
                    seen = go_;
                    if (ends_) { return; }
                    backoff full;
                    for (int sent = 0; sent < each;) {
                        if (p.try_post({0}, 1)) { full.wait(); }
                        else { ++sent, full = {}; }
                    }
                }
            });
        }
        while (registered_ < producers) { std::this_thread::yield(); }
        each_ = each;
    }
    ~crowd() {
        ends_ = true;
        ends_.notify_all();
        ++go_;
        go_.notify_all();
        for (auto& t : threads_) { t.join(); }
        bridge_.stop(std::chrono::seconds(5));
        keep_.reset();
        control_.join();
    }
    /// Nanoseconds for each message. `served` is of all crowds: only one is at it.
    double measure() {
        const auto before = served.load();
        const auto start = std::chrono::steady_clock::now();
        ++go_;
        go_.notify_all();
        while (served.load() - before < 2 * each_) { std::this_thread::sleep_for(std::chrono::microseconds(50)); }
        return seconds_since(start) * 1e9 / (2.0 * static_cast<double>(each_));
    }

private:
    static numasio::plan plan_of(const std::vector<numasio::cpu_id>& cpus, std::uint32_t producers) {
        auto plan = one_worker_plan(cpus, "p");
        plan.pools[0].lane.producers = producers;
        return plan;
    }

    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> keep_ = asio::make_work_guard(io_);
    numasio::bridge bridge_;
    std::thread control_;
    std::vector<std::thread> threads_;
    std::atomic<std::uint32_t> go_{0}, registered_{0};
    std::atomic<bool> ends_{false};
    std::int64_t each_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "two producers that post, among many that have lanes");
    const auto cpus = two_cpus(asked);
    const int each = asked.repeats(200'000);
    std::vector<std::unique_ptr<crowd>> crowds;
    std::vector<contender> all;
    for (const std::uint32_t producers : {2U, 16U, 64U, 256U}) {
        auto* const one = crowds.emplace_back(std::make_unique<crowd>(cpus, producers, each)).get();
        all.push_back({std::to_string(producers) + " producers, two of them active", [one] { return one->measure(); }});
    }
    const auto rounds = interleave(all, asked.rounds, [&] { return distance_between(cpus[0], cpus[1]); });
    print_by_regime("A message of one of two active producers", "ns", all, rounds, {0});
}
