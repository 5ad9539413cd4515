// What users of Compio, Tokio, Seastar, Glommio, Monoio and Asio ran into between their threads, and what users get here. Circles of
// workers that wait for one another (ScyllaDB 15845) are in tests/control_plane/bridge/between_workers_test.cpp, lost wake-ups (Compio 948,
// Tokio 525, Glommio 261) in its idle_test.cpp and tests/hot_path/parker_test.cpp, a queue's delay as a figure (Tokio 7986) in its latency_test.cpp.
#include "control_plane/bridge/bridge_fixture.hpp"
#include "support/cpu_time.hpp"
#include "support/threads.hpp"

#include <numasio/affinity.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>

namespace numasio::test {
namespace {

struct unlike_peers : call {};

std::ptrdiff_t descriptors() {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
}

/// Monoio 237, Tokio 416: no way to submit to core N from outside.
TEST_F(unlike_peers, a_request_goes_to_the_worker_that_is_named_and_runs_on_its_cpu) {
    struct place {
        explicit place(node_context& node) : worker(static_cast<int>(node.worker())) {}
        int operator()(int) const { return worker * 65536 + static_cast<int>(current_cpu().value_or(cpu_id{65535}).value); }
        int worker;
    };
    auto asked = one_worker();
    asked.pools.front().workers_per_node.reset();  // as many as there are CPUs for
    auto& p = open_plan<place>(asked);
    for (const auto& site : bridge_->sites().workers) {
        int got = -1;
        p.async_call(p.at(site.index), 0, [&](error_code, int v) { got = v; });
        io_.run();
        io_.restart();
        EXPECT_EQ(got / 65536, static_cast<int>(site.index));
        EXPECT_EQ(got % 65536, static_cast<int>(site.cpu.value));
    }
}

/// Compio 1044: a bounded queue whose producer blocks deadlocks with the thread that would empty it; Asio 44: a bounded post that says "full".
TEST_F(unlike_peers, the_thread_that_delivers_replies_may_meet_a_full_lane) {
    auto& p = open<incrementer>(4);
    int full = 0;
    int served = 0;
    std::function<void(int)> more = [&](int depth) {
        for (int i = 0; i < 3; ++i) {
            p.async_call({0}, depth, [&, depth](error_code ec, int) {
                ++(ec == errc::lane_full ? full : served);
                if (!ec && depth < 6) { more(depth + 1); }
            });
        }
    };
    more(0);
    more(0);
    io_.run();  // ends
    EXPECT_GT(full, 0);
    EXPECT_GT(served, 0);
}

/// Counts what it has served.
struct tally {
    explicit tally(node_context&) {}
    std::uint64_t operator()(int) const { return served.fetch_add(1) + 1; }
    static inline std::atomic<std::uint64_t> served{0};
};

/// Seastar 1017: work from outside waited 50 ms for a busy target.
TEST_F(unlike_peers, a_worker_that_is_never_idle_serves_a_foreign_thread_within_a_batch_of_each_lane) {
    asio::io_context io;
    bridge b(io, one_worker(1024));
    auto& p = b.open<int, std::uint64_t, tally>("p");
    b.start();
    auto work = asio::make_work_guard(io);
    std::thread runs([&] { io.run(); });
    std::atomic<bool> enough{false};
    std::thread flood([&] {
        while (!enough) {
            if (p.try_call({0}, 0, [](error_code, std::uint64_t) {})) { std::this_thread::yield(); }
        }
    });
    while (tally::served < 10'000) { std::this_thread::yield(); }
    std::uint64_t most_before_it = 0;
    for (int i = 0; i < 200; ++i) {
        std::atomic<std::uint64_t> turn{0};
        ASSERT_FALSE(p.try_call({0}, 0, [&](error_code, std::uint64_t n) { turn = n; }));
        const auto accepted_at = tally::served.load();
        while (turn == 0) { std::this_thread::yield(); }
        most_before_it = std::max(most_before_it, turn > accepted_at ? turn - accepted_at : 0);
    }
    enough = true;
    flood.join();
    b.stop(10s);
    work.reset();
    runs.join();
    EXPECT_LE(most_before_it, 3 * detail::lane_base::whole_batch);
}

/// Compio 984: 100 % of a core for ever after a burst; Seastar 2790: 85 % of 96 cores without work.
TEST_F(unlike_peers, a_worker_sleeps_again_after_a_burst) {
    auto& p = open<incrementer>(1024);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 1000; ++i) { p.async_post({0}, i); }
        io_.run();
        io_.restart();
    }
    while (!bridge_->status().workers.front().parked) { std::this_thread::yield(); }
    const auto used = cpu_time_of_sleeping(incrementer::kernel_thread);
    const auto before = cpu_time_of_process();
    std::this_thread::sleep_for(1s);
    if (processor_time_is_real()) { EXPECT_LT(cpu_time_of_process() - before, 10ms); }
    EXPECT_EQ(cpu_time_of(incrementer::kernel_thread), used);
    EXPECT_GT(used, 0ns);
}

/// Asio 1318, 1575, 1576, 1241: a channel's close() left senders waiting, a cancellation crashed, and after one try_send() failed for ever.
TEST_F(unlike_peers, requests_that_were_cancelled_leave_their_lane_as_it_was_and_a_stop_ends_the_rest) {
    auto& p = open<gated>(8);
    int cancelled = 0;
    int served = 0;
    for (int round = 0; round < 5; ++round) {
        gated::closed = true;
        std::deque<asio::cancellation_signal> signals(8);
        for (auto& s : signals) {
            p.async_call({0}, 0, asio::bind_cancellation_slot(s.slot(), [&](error_code ec, int) {
                             ++(ec == asio::error::operation_aborted ? cancelled : served);
                         }));
        }
        const auto before = gated::entered.load();
        while (gated::entered.load() == before && before == round) { std::this_thread::yield(); }  // one has begun
        for (auto& s : signals) { s.emit(asio::cancellation_type::all); }
        gated::closed = false;
        io_.run();
        io_.restart();
    }
    EXPECT_EQ(cancelled, 5 * 7);
    EXPECT_EQ(served, 5);
    gated::closed = true;
    int stopped = 0;
    for (int i = 0; i < 8; ++i) { p.async_post({0}, i, [&](error_code ec) { stopped += ec == errc::stopped; }); }
    while (gated::entered.load() == 5) { std::this_thread::yield(); }
    std::thread opens([] {
        std::this_thread::sleep_for(20ms);
        gated::closed = false;
    });
    bridge_->stop(0s);
    opens.join();
    io_.run();
    EXPECT_EQ(stopped, 7);
}

/// Tokio 4730, 8010: one bad task halts the driver for all.
TEST_F(unlike_peers, a_service_that_throws_each_time_halts_nobody_else) {
    struct bad {
        explicit bad(node_context&) {}
        int operator()(int) const { throw std::runtime_error("bad"); }
    };
    asio::io_context io;
    auto asked = one_worker();
    asked.pools.push_back(asked.pools.front());
    asked.pools.back().name = "q";
    bridge b(io, asked);
    auto& p = b.open<int, int, bad>("p");
    auto& q = b.open<int, int, incrementer>("q");
    b.start();
    int failed = 0;
    int good = 0;
    for (int i = 0; i < 50; ++i) {
        p.async_call({0}, i, [&](error_code ec, int) { failed += ec == errc::service_failed; });
        q.async_call({0}, i, [&](error_code ec, int) { good += !ec; });
    }
    io.run();
    EXPECT_EQ(failed, 50);
    EXPECT_EQ(good, 50);
}

/// asio-grpc 8: a timer on a custom executor started a thread with three descriptors, unasked.
TEST_F(unlike_peers, a_start_makes_a_thread_for_each_worker_one_that_watches_and_no_descriptor) {
    asio::io_context io;
    const auto threads = running_threads();
    bridge b(io, one_worker());
    b.open<int, int, incrementer>("p");
    const auto open = descriptors();
    b.start();
    EXPECT_EQ(running_threads(), threads + 2);
    EXPECT_EQ(descriptors(), open);
}

}  // namespace
}  // namespace numasio::test
