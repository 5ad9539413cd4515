// Fills the matrix: a bound buffer on each node, measured from the CPUs of each.
#include "src/memory_speed.hpp"

#include "src/memory_chase.hpp"
#include "src/node_budget.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/page_tables.hpp"
#include "src/platform/signal_mask.hpp"

#include <numasio/node_region.hpp>
#include <numasio/scoped_pin.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

namespace numasio {
namespace {

using clock = std::chrono::steady_clock;
using namespace literals;

constexpr std::size_t most_threads = 32;

/// Runs `body` on a thread pinned to `cpu`; false where the pin did not hold.
template <class Body>
bool on_cpu(cpu_id cpu, Body body) {
    bool held = false;
    const platform::without_signals quiet;
    std::thread([&] {
        const scoped_pin pin(cpu);
        held = static_cast<bool>(pin.result());
        if (held) { body(); }
    }).join();
    return held;
}

bytes size_for(node_id node, const speed_options& options, std::optional<bytes> cache) {
    if (options.size) { return *options.size; }
    const bytes wanted = std::max(64_MiB, bytes{cache.value_or(bytes{0}).value * 4});
    const auto room = node_budget::room(node);
    return room ? std::min(wanted, bytes{std::max<std::uint64_t>(room->value / 2, 1 << 20)}) : wanted;
}

/// Why the region cannot stand for `node`; empty where every page of it is there.
std::string settle(node_region& region, node_id node) {
    if (const auto refused = region.bind(node, memory_policy::bind)) { return "memory cannot be bound there: " + refused.message(); }
    static_cast<void>(platform::advise_transparent(region.data(), true));  // huge_share() tells whether it was followed
    if (const auto refused = region.prefault()) { return "memory cannot be had there: " + refused.message(); }
    const auto audit = region.audit();
    if (audit.unknown == audit.asked) { return "the kernel does not say where pages are (move_pages is refused)"; }
    const auto elsewhere = audit.asked - audit.on(node);
    if (elsewhere != 0) { return std::to_string(elsewhere) + " of " + std::to_string(audit.asked) + " pages are elsewhere"; }
    return {};
}

/// Bytes a second that threads on `cpus` read together; absent where one was not pinned.
std::optional<double> bandwidth(std::span<const std::byte> memory, const std::vector<cpu_id>& cpus, std::chrono::nanoseconds time) {
    std::atomic<std::size_t> ready{0};
    std::atomic<bool> go{false};
    std::atomic<bool> stop{false};
    std::atomic<bool> all_pinned{true};
    std::atomic<std::uint64_t> read{0};
    const std::size_t share = memory.size() / cpus.size() / 64 * 64;
    std::vector<std::thread> threads;
    const auto end = [&] {
        stop = true;
        go = true;
        for (auto& thread : threads) { thread.join(); }
    };
    try {
        const platform::without_signals quiet;
        for (std::size_t i = 0; i < cpus.size(); ++i) {
            threads.emplace_back([&, i] {
                const scoped_pin pin(cpus[i]);
                if (!pin.result()) { all_pinned = false; }
                ++ready;
                while (!go) { std::this_thread::yield(); }
                read += read_until(memory.subspan(i * share, share), stop);
            });
        }
    } catch (...) {
        end();
        throw;
    }
    while (ready != cpus.size()) { std::this_thread::yield(); }
    const auto start = clock::now();
    go = true;
    std::this_thread::sleep_for(time);
    end();
    const std::chrono::duration<double> took = clock::now() - start;
    if (!all_pinned) { return std::nullopt; }
    return static_cast<double>(read) / took.count();
}

class measurement {
public:
    measurement(const topology& machine, const speed_options& options, const std::function<void(std::size_t, std::size_t)>& progress)
        : machine_(machine), options_(options), progress_(progress) {
        out_.from = machine.executor_nodes();
        out_.cache = platform::largest_cache();
        for (const auto& node : machine.nodes) { out_.to.push_back({node.id, {}, {}, {}}); }
        all_ = out_.from.size() * out_.to.size();
        out_.time = std::max<std::chrono::nanoseconds>(std::min<std::chrono::nanoseconds>(options.time, options.total / (2 * std::max<std::size_t>(all_, 1))),
                                                       std::chrono::milliseconds(1));
    }

    speed_matrix run() {
        for (auto& target : out_.to) { measure(target); }
        return std::move(out_);
    }

private:
    void measure(speed_target& target) {
        const auto* node = machine_.find(target.node);
        if (node->memory.value == 0) { target.why = "the node has no memory"; }
        else if (!node->memory_allowed) { target.why = "outside this process's memory nodes (cpuset.mems)"; }
        if (!target.why.empty()) { return skip(target); }
        target.size = size_for(target.node, options_, out_.cache);
        try {
            node_region region(target.size);
            target.why = settle(region, target.node);
            if (!target.why.empty()) { return skip(target); }
            target.huge = platform::huge_share(region.data());
            // From a CPU of the node itself, where it has one: linking is random access, too.
            const auto own = cpus_of_node(machine_, target.node);
            if (own.empty() || !on_cpu(own.front(), [&] { link_lines(region.data()); })) { link_lines(region.data()); }
            for (const auto from : out_.from) { measure(region.data(), from, target.node); }
        } catch (const boost::system::system_error& e) {
            target.why = e.what();
            skip(target);
        }
    }

    void measure(std::span<const std::byte> memory, node_id from, node_id to) {
        auto cpus = cpus_of_node(machine_, from, smt_policy::first_thread);
        cpus.resize(std::min(cpus.size(), most_threads));
        speed_cell cell{from, to, {}, {}, cpus.size(), {}};
        double ns = 0;
        if (on_cpu(cpus.front(), [&] { ns = chase(memory, out_.time); })) { cell.latency_ns = ns; }
        cell.bytes_per_second = bandwidth(memory, cpus, out_.time);
        if (!cell.latency_ns || !cell.bytes_per_second) { cell.why = "the kernel did not pin a thread to the node's CPUs"; }
        add(std::move(cell));
    }

    void skip(const speed_target& target) {
        for (const auto from : out_.from) { add({from, target.node, {}, {}, 0, target.why}); }
    }

    void add(speed_cell cell) {
        out_.cells.push_back(std::move(cell));
        if (progress_) { progress_(out_.cells.size(), all_); }
    }

    const topology& machine_;
    const speed_options& options_;
    const std::function<void(std::size_t, std::size_t)>& progress_;
    speed_matrix out_;
    std::size_t all_ = 0;
};

}  // namespace

speed_matrix measure_memory_speed(const topology& machine, const speed_options& options,
                                  const std::function<void(std::size_t, std::size_t)>& progress) {
    if (!machine.nodes_are_real()) {
        throw boost::system::system_error(errc::not_this_machine, "memory cannot be measured on a topology that is " +
                                                                      std::string(to_string(machine.origin)));
    }
    return measurement(machine, options, progress).run();
}

}  // namespace numasio
