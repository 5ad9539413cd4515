// The watch by itself, against limits of before that differ from those of now; real changes are made in tests/numa_vm.
#include <numasio/topology_watch.hpp>

#include <numasio/affinity.hpp>

#include "support/time_given.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>

namespace {

using namespace numasio;
using namespace std::chrono_literals;
namespace asio = boost::asio;

/// As if one more CPU had run before, and had been in the cpuset.
process_limits with_one_cpu_more() {
    process_limits limits = limits_now();
    limits.online_cpus.push_back({limits.online_cpus.back().value + 1});
    return limits;
}

TEST(topology_watch, completes_with_the_topology_of_now_and_then_waits_for_the_next_change) {
    asio::io_context io;
    topology_watch watch(io, with_one_cpu_more(), 5ms);
    int changes = 0;
    watch.async_wait([&](error_code ec, const topology& machine) {
        ++changes;
        EXPECT_FALSE(ec);
        EXPECT_EQ(machine.origin, topology_origin::live);
        EXPECT_EQ(machine.allowed_cpus(), this_thread_cpus());
        EXPECT_EQ(watch.limits(), machine.limits);
        watch.async_wait([&](error_code, const topology&) { ++changes; });
    });
    io.run_for(200ms);
    EXPECT_EQ(changes, 1);
}

TEST(topology_watch, completes_with_an_error_where_the_machine_that_the_environment_names_cannot_be_read) {
    asio::io_context io;
    topology_watch watch(io, with_one_cpu_more(), 1ms);
    ::setenv("HWLOC_XMLFILE", "/nonexistent.xml", 1);
    error_code refused;
    watch.async_wait([&](error_code ec, const topology&) { refused = ec; });
    EXPECT_NO_THROW(io.run());
    ::unsetenv("HWLOC_XMLFILE");
    EXPECT_EQ(refused, errc::wrong_topology);
}

TEST(topology_watch, sees_a_change_within_a_second) {
    asio::io_context io;
    topology_watch watch(io, with_one_cpu_more());
    const test::time_given given;
    bool seen = false;
    watch.async_wait([&](error_code, const topology&) { seen = true; });
    io.run();
    EXPECT_LT(given.so_far(), 1s);
    EXPECT_TRUE(seen);
}

TEST(topology_watch, is_no_change_by_itself_that_a_thread_is_pinned) {
    asio::io_context io;
    topology_watch watch(io, limits_now(), 1ms);
    bool changed = false;
    std::thread([&] {
        ASSERT_FALSE(pin_this_thread(std::vector<cpu_id>{this_thread_cpus().back()}));
        watch.async_wait([&](error_code ec, const topology&) { changed = !ec; });
        io.run_for(100ms);
    }).join();
    EXPECT_FALSE(changed);
}

TEST(topology_watch, ends_a_wait_by_cancel_destruction_a_second_wait_or_the_cancellation_slot) {
    asio::io_context io;
    std::vector<error_code> ends;
    const auto note = [&](error_code ec, const topology& machine) {
        ends.push_back(ec);
        EXPECT_TRUE(machine.nodes.empty());
    };
    auto watch = std::make_unique<topology_watch>(io, limits_now(), 1h);
    watch->async_wait(note);
    watch->cancel();
    io.run();
    io.restart();
    ASSERT_EQ(ends.size(), 1U);

    watch->async_wait(note);
    watch->async_wait(note);
    io.poll();
    ASSERT_EQ(ends.size(), 2U);
    watch.reset();
    io.run();
    io.restart();
    ASSERT_EQ(ends.size(), 3U);

    asio::cancellation_signal stop;
    topology_watch other(io, limits_now(), 1h);
    other.async_wait(asio::bind_cancellation_slot(stop.slot(), note));
    asio::post(io, [&] { stop.emit(asio::cancellation_type::total); });
    io.run();
    ASSERT_EQ(ends.size(), 4U);
    for (const error_code ec : ends) { EXPECT_EQ(ec, asio::error::operation_aborted); }
}

TEST(topology_watch, may_be_destroyed_when_its_timer_has_fired_already) {
    asio::io_context io;
    auto watch = std::make_unique<topology_watch>(io, with_one_cpu_more(), 0ms);
    error_code end;
    watch->async_wait([&](error_code ec, const topology&) { end = ec; });
    asio::steady_timer destroyer(io, std::chrono::steady_clock::time_point::min());
    destroyer.async_wait([&](error_code) { watch.reset(); });
    io.run();
    EXPECT_EQ(end, asio::error::operation_aborted);
}

TEST(topology_watch, takes_any_completion_token) {
    asio::io_context io;
    topology_watch watch(io, with_one_cpu_more(), 1ms);
    std::size_t cpus = 0;
    asio::co_spawn(io, [&]() -> asio::awaitable<void> {
        const auto [ec, machine] = co_await watch.async_wait(asio::as_tuple(asio::use_awaitable));
        EXPECT_FALSE(ec);
        cpus = machine.cpus.size();
    }, asio::detached);
    io.run();
    EXPECT_EQ(cpus, discover_topology().cpus.size());
}

}  // namespace
