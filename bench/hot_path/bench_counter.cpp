// Counting one event and reading one value that is seldom replaced, on one thread and on two: node-local data beside what a program would have without it.
#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/detail/counters.hpp>
#include <numasio/replicated.hpp>
#include <numasio/sharded_counter.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace {

using namespace numasio::bench;

/// Calls it `count` times; nothing is kept in registers from one to the next, as in a handler.
template <class Once>
double each_ns(int count, Once once) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        once();
        asm volatile("" ::: "memory");
    }
    return seconds_since(start) * 1e9 / count;
}

/// Two threads at the same time, each with what `make` gives it: the slower one's nanoseconds.
template <class Make>
double each_ns_of_two(const std::vector<numasio::cpu_id>& cpus, int count, Make make) {
    std::atomic<int> ready{0};
    const auto run = [&](std::size_t cpu) {
        pin(cpus[cpu]);
        auto once = make();
        once();  // a thread's first is not what is measured
        ++ready;
        while (ready != 2) { pause_briefly(); }
        return each_ns(count, once);
    };
    double there = 0;
    std::thread other([&] { there = run(1); });
    const double here = run(0);
    other.join();
    return std::max(here, there);
}

struct alignas(128) lines {
    std::uint64_t plain = 0;
    alignas(128) numasio::detail::single_writer_counter own;
    alignas(128) std::atomic<std::uint64_t> shared{0};
};

/// Whatever a request looks up.
struct prices {
    std::uint64_t bid = 7;
    std::uint64_t ask = 9;
};

thread_local std::uint64_t seen = 0;

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "a count and a read of node-local data, beside a plain store, shared atomics and locks");
    const auto cpus = two_cpus(asked);
    const int count = asked.repeats(2'000'000);
    pin(cpus[0]);

    lines to;
    numasio::sharded_counter sharded;
    std::int64_t expected = 0;
    const auto add_plain = [&] { to.plain = to.plain + 1; };
    const auto add_own = [&] { to.own.add(); };
    const auto add_sharded = [&] { sharded.add(); };
    auto share = sharded.here();
    const auto add_share = [&] { share.add(); };
    const auto add_shared = [&] { to.shared.fetch_add(1, std::memory_order_relaxed); };
    add_sharded();
    ++expected;
    const std::vector<contender> counters = {
        {"a plain load and store", [&] { return each_ns(count, add_plain); }},
        {"a worker's own counter", [&] { return each_ns(count, add_own); }},
        {"sharded_counter, a kept share", [&] { return expected += count, each_ns(count, add_share); }},
        {"sharded_counter", [&] { return expected += count, each_ns(count, add_sharded); }},
        {"a shared atomic", [&] { return each_ns(count, add_shared); }},
        {"two threads: sharded_counter, kept shares", [&] {
             return expected += 2 * (count + 1), each_ns_of_two(cpus, count, [&] { return [mine = sharded.here()]() mutable { mine.add(); }; });
         }},
        {"two threads: sharded_counter", [&] { return expected += 2 * (count + 1), each_ns_of_two(cpus, count, [&] { return add_sharded; }); }},
        {"two threads: a shared atomic", [&] { return each_ns_of_two(cpus, count / 10, [&] { return add_shared; }); }},
    };
    print_table("Counting one event", "ns", counters, interleave(counters, asked.rounds), {0, 7});
    if (sharded.value() != expected) { give_up(1, "sharded_counter has lost some"); }

    const numasio::replicated<prices> replicated(numasio::discover_topology(), numasio::bytes{64 << 10}, prices{});
    const auto direct = std::make_unique<prices>();
    std::atomic<const prices*> pointer{direct.get()};
    std::atomic<std::shared_ptr<const prices>> counted{std::make_shared<const prices>()};
    std::shared_mutex mutex;
    const auto read_pointer = [&] { seen = pointer.load(std::memory_order_acquire)->ask; };
    const auto read_replicated = [&] { seen = replicated.read()->ask; };
    const auto read_counted = [&] { seen = counted.load(std::memory_order_acquire)->ask; };
    const auto read_locked = [&] {
        const std::shared_lock lock(mutex);
        seen = direct->ask;
    };
    const std::vector<contender> readers = {
        {"a pointer that is never replaced", [&] { return each_ns(count, read_pointer); }},
        {"replicated", [&] { return each_ns(count, read_replicated); }},
        {"std::atomic<std::shared_ptr>", [&] { return each_ns(count / 10, read_counted); }},
        {"std::shared_mutex", [&] { return each_ns(count / 10, read_locked); }},
        {"two threads: replicated", [&] { return each_ns_of_two(cpus, count, [&] { return read_replicated; }); }},
        {"two threads: std::atomic<std::shared_ptr>", [&] { return each_ns_of_two(cpus, count / 50, [&] { return read_counted; }); }},
        {"two threads: std::shared_mutex", [&] { return each_ns_of_two(cpus, count / 50, [&] { return read_locked; }); }},
    };
    print_table("Reading a value that is seldom replaced", "ns", readers, interleave(readers, asked.rounds), {0, 1});
}
