// The bare lane one way: 16-byte tasks into our rings, a worker that spins; one by one and by batches of 64.
#include "empty_task.hpp"
#include "our_rings.hpp"
#include "round_trips.hpp"

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace numasio::bench {
namespace {

constexpr std::size_t batch = 64;

class ring_rig final : public rig {
public:
    explicit ring_rig(const std::vector<cpu_id>& cpus) : here_(cpus[0]), there_(cpus[1]) {}

    std::vector<contender> round_trips(int, int) override { return {}; }
    std::vector<contender> one_way(int count) override {
        std::vector<contender> all;
        our_rings::each([&]<template <class> class Ring> {
            using ring = Ring<empty_task>;
            const std::string name = ring::name;
            all.push_back({name + ", one by one", [=, this] { return measure<ring>(count, 1); }});
            all.push_back({name + ", batches of 64", [=, this] { return measure<ring>(count, batch); }});
        });
        return all;
    }

private:
    /// The worker lives for one measurement only: it spins, and would slow the others.
    template <class Ring>
    double measure(int count, std::size_t at_once) {
        pin(here_);
        Ring ring(1024);
        task_count done;
        std::atomic<bool> ready{false};
        const auto all = static_cast<std::size_t>(count);
        std::thread worker([&] {
            pin(there_);
            ready = true;
            backoff idle;
            for (std::size_t ran = 0; ran < all;) {
                const auto n = ring.consume([](empty_task& task) { task(); }, batch);
                n == 0 ? idle.wait() : void(idle = {});
                ran += n;
            }
        });
        while (!ready) { std::this_thread::yield(); }
        std::array<empty_task, batch> tasks;
        tasks.fill(empty_task(done));
        const auto start = std::chrono::steady_clock::now();
        backoff full;
        for (std::size_t sent = 0; sent < all;) {
            const auto n = at_once == 1 ? std::size_t{ring.push(tasks[0])}
                                        : ring.push_batch({tasks.data(), std::min(at_once, all - sent)});
            n == 0 ? full.wait() : void(full = {});
            sent += n;
        }
        done.wait_for(all);
        const auto took = seconds_since(start);
        worker.join();
        return count / took / 1e6;
    }

    cpu_id here_;
    cpu_id there_;
};

}  // namespace

std::unique_ptr<rig> make_ring_rig(const std::vector<cpu_id>& cpus) { return std::make_unique<ring_rig>(cpus); }

}  // namespace numasio::bench
