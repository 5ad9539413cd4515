// Tokio: mpsc to the service and oneshot back, in the two ways that a service may be set up; spawn from an outside thread.
#include "round_trips.hpp"

#include <bench/peers/pinned.hpp>
#include <bench/peers/rust_peers.hpp>

#include <chrono>
#include <thread>

namespace numasio::bench {
namespace {

constexpr const char* thread_name = "Tokio mpsc + oneshot, current thread; a thread serves";
constexpr const char* workers_name = "Tokio mpsc + oneshot, 2 workers; the service may run on its caller's";
constexpr const char* spawn_name = "Tokio spawn, 1 worker";

#ifdef NUMASIO_HAS_RUST

std::vector<cpu_id> of_runtime;  // a C function pointer cannot carry them

void pin_worker(std::size_t number) { pin(of_runtime[number % of_runtime.size()]); }
void pin_only_worker(std::size_t) { pin(of_runtime[1]); }

class tokio_rig final : public rig {
public:
    explicit tokio_rig(const std::vector<cpu_id>& cpus) : here_(cpus[0]) {
        of_runtime = cpus;
        thread_ = peer_tokio_caller_new(0, 1024, pin_worker);
        workers_ = peer_tokio_caller_new(2, 1024, pin_worker);
        spawner_ = peer_tokio_worker_new(pin_only_worker);
        server_ = std::thread([this] {
            pin(of_runtime[1]);
            peer_tokio_caller_serve(thread_);
        });
    }
    ~tokio_rig() override {
        peer_tokio_caller_close(thread_);
        peer_tokio_caller_close(workers_);
        server_.join();
        peer_tokio_caller_free(thread_);
        peer_tokio_caller_free(workers_);
        peer_tokio_worker_free(spawner_);
    }

    std::vector<contender> round_trips(int in_flight, int count) override {
        const auto of = [=, this](const peer_tokio_caller* caller) {
            return [=, this] { return measure(caller, in_flight, count); };
        };
        return {{thread_name, of(thread_)}, {workers_name, of(workers_)}};
    }
    std::vector<contender> one_way(int count) override {
        return {{spawn_name, [=, this] {
            pin(here_);
            const auto start = std::chrono::steady_clock::now();
            peer_tokio_worker_spawn(spawner_, static_cast<std::uint64_t>(count));
            return count / seconds_since(start) / 1e6;
        }}};
    }

private:
    double measure(const peer_tokio_caller* caller, int in_flight, int count) const {
        pin(here_);
        const auto callers = static_cast<std::uint64_t>(in_flight);
        const auto calls = static_cast<std::uint64_t>(count) / callers * callers;
        const auto start = std::chrono::steady_clock::now();
        const auto sum = peer_tokio_caller_round_trips(caller, calls, callers);
        const auto took = seconds_since(start);
        if (sum != 2 * calls) { give_up(1, "Tokio lost a reply"); }
        return static_cast<double>(calls) / took / 1e6;
    }

    cpu_id here_;
    peer_tokio_caller* thread_ = nullptr;
    peer_tokio_caller* workers_ = nullptr;
    peer_tokio_worker* spawner_ = nullptr;
    std::thread server_;
};

#else

class tokio_rig final : public rig {
public:
    explicit tokio_rig(const std::vector<cpu_id>&) {}
    std::vector<contender> round_trips(int, int) override {
        return {{thread_name, {}, NUMASIO_NO_RUST}, {workers_name, {}, NUMASIO_NO_RUST}};
    }
    std::vector<contender> one_way(int) override { return {{spawn_name, {}, NUMASIO_NO_RUST}}; }
};

#endif

}  // namespace

std::unique_ptr<rig> make_tokio_rig(const std::vector<cpu_id>& cpus) { return std::make_unique<tokio_rig>(cpus); }

}  // namespace numasio::bench
