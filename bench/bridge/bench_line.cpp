// Within the spin budget, one at a time: a bare cache line there and back, a lane's ring with nothing around it, a whole call.
#include "one_worker.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/cpu_distance.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/bridge.hpp>
#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/inline_ring.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace numasio::bench;
using namespace numasio::detail;
using clock_type = std::chrono::steady_clock;

/// Nanoseconds for each of `count` round trips; the other side runs `serve(n)` until it has served all.
template <class Serve, class Trip>
double measure(const std::vector<numasio::cpu_id>& cpus, int count, Serve serve, Trip trip) {
    pin(cpus[0]);
    std::atomic<bool> ready{false};
    std::thread other([&] {
        pin(cpus[1]);
        ready = true;
        serve(count);
    });
    while (!ready) { std::this_thread::yield(); }
    const auto start = clock_type::now();
    for (int i = 1; i <= count; ++i) { trip(i); }
    const auto took = seconds_since(start);
    other.join();
    return took * 1e9 / count;
}

/// Two waits look the same everywhere: a side that waits long yields, as the other may share its processor with a neighbour.
template <class There>
void wait_until(There there) {
    for (std::uint32_t looks = 0; !there(); ++looks) {
        if (looks > 10'000) { std::this_thread::yield(); }
    }
}

double bare_line(const std::vector<numasio::cpu_id>& cpus, int count) {
    struct alignas(128) {
        std::atomic<int> turn{0};
    } line;
    return measure(
        cpus, count,
        [&](int n) {
            for (int i = 1; i <= n; ++i) {
                wait_until([&] { return line.turn.load(std::memory_order_acquire) == 2 * i - 1; });
                line.turn.store(2 * i, std::memory_order_release);
            }
        },
        [&](int i) {
            line.turn.store(2 * i - 1, std::memory_order_release);
            wait_until([&] { return line.turn.load(std::memory_order_acquire) == 2 * i; });
        });
}

/// As a lane of small cells has it: the request in the cell, the reply in the same one.
double bare_ring(const std::vector<numasio::cpu_id>& cpus, int count) {
    struct alignas(64) cell {
        using state_type = cell_state;
        state_type state;
        int request = 0;
        int reply = 0;
    };
    std::vector<cell> cells(64);
    int arena = 0;
    inline_ring<cell> ring(cells.data(), 64, arena);
    return measure(
        cpus, count,
        [&](int n) {
            for (int ran = 0; ran < n;) {
                wait_until([&] {
                    const auto now = ring.consume(64, [&](ticket one, auto&&) {
                        auto& c = cells[one.slot];
                        static_cast<void>(c.state.try_run(one.turn));
                        c.reply = c.request + 1;
                        c.state.finish(one.turn);
                    });
                    ran += static_cast<int>(now);
                    return now != 0;
                });
            }
        },
        [&](int i) {
            if (!ring.reserve()) { give_up(1, "a ring of 64 cells is full of one request"); }
            const auto one = ring.claim();
            cells[one.slot].request = i;
            ring.publish(one);
            int reply = 0;
            wait_until([&] {
                return ring.take_ended(1, true, [&](std::uint32_t slot) {
                    reply = cells[slot].reply;
                    ring.recycle(slot, true);
                }) != 0;
            });
            if (reply != i + 1) { give_up(1, "a reply is not its request's"); }
        });
}

struct incrementer {
    explicit incrementer(numasio::node_context&) {}
    int operator()(int x) const noexcept { return x + 1; }
};

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "one round trip at a time within the spin budget: a bare cache line, a lane's ring, a whole call");
    const auto cpus = two_cpus(asked);
    const int count = asked.repeats(20'000);

    asio::io_context io{1};
    numasio::bridge b{io.get_executor(), one_worker_plan(cpus, "p")};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    const auto calls = [&] {
        pin(cpus[0]);
        int left = count;
        struct next_call {
            numasio::port<int, int>& p;
            int& left;
            void operator()(numasio::error_code ec, int) {
                if (ec) { give_up(1, "a call failed"); }
                if (--left > 0) { p.async_call({0}, 1, next_call{p, left}); }
            }
        };
        const auto start = clock_type::now();
        p.async_call({0}, 1, next_call{p, left});
        io.restart();
        io.run();
        return seconds_since(start) * 1e9 / count;
    };

    const std::vector<contender> all = {
        {"a bare cache line", [&] { return bare_line(cpus, count); }},
        {"numasio lane's ring, inline", [&] { return bare_ring(cpus, count); }},
        {"numasio async_call, callback", calls},
    };
    const auto rounds = interleave(all, asked.rounds, [&] { return distance_between(cpus[0], cpus[1]); });
    print_by_regime("There and back, one at a time", "ns", all, rounds, {0});
    b.stop(std::chrono::seconds(1));
}
