// The plan: the validated configuration as a value. What was asked for, not what was got.
#pragma once

#include <numasio/ids.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio {

/// An optional without a value means `auto`: numasio chooses and says what it chose.
template <class T>
using or_auto = std::optional<T>;

enum class memory_policy {
    bind,                 ///< pages on the node (or nodes) or not at all
    preferred,            ///< the node first, others where it is full
    local,                ///< wherever the faulting thread runs (first touch)
    interleave,           ///< page by page over the nodes in turn
    weighted_interleave,  ///< the same, in the proportion that the machine's administrator set; Linux 6.9
    preferred_many        ///< the nodes first, others where they are full; Linux 5.15
};

/// What the workers of a pool do.
enum class run_mode {
    service,  ///< each builds a service and serves requests from its lanes (bridge::open)
    tasks,    ///< run whatever Asio runs, and steal within their node (bridge::tasks)
    reactor   ///< each runs an io_context of its own (bridge::reactors)
};

/// Which pages a mapping is made of.
enum class page_kind {
    base,         ///< the kernel's smallest: 4 KiB on x86-64, and no others
    transparent,  ///< the kernel is advised to make huge pages of them as it can (madvise)
    huge_2mib,    ///< from the nodes' pools, which the machine's administrator fills (hugetlb)
    huge_1gib
};

enum class enforcement {
    strict,      ///< any shortfall fails the start
    best_effort  ///< start, and say what was lost
};

enum class idle_strategy {
    busy_spin,       ///< never sleeps; burns its core
    spin_then_park,  ///< spins for `spin`, then sleeps until the doorbell
    park,            ///< sleeps at once
    caller_drives    ///< has no thread: the program's own loop runs it (bridge::invoker_of)
};

/// What a full lane does.
enum class when_full {
    reject,       ///< answers errc::lane_full at once
    wait,         ///< lets up to `waiting` calls wait for a place, first come, first served
    drop_oldest,  ///< of more than `keep` queued requests the worker drops the oldest posts; a lane without a place rejects
    shed          ///< where the shortest time in the queue stays above `target` for an `interval`, the worker sheds what waited for twice that
};

struct memory_plan {
    /// The interleaves go over every node with memory that this process may use; preferred_many is for regions only.
    memory_policy policy = memory_policy::bind;
    bytes per_worker{64ull << 20};  ///< the service's memory: allocated, bound and prefaulted at start
    or_auto<page_kind> pages{};     ///< of the service's memory; auto: as the system's setting of transparent huge pages has it
};

/// Lanes of request_class::bulk, as many as there are others.
struct bulk_plan {
    std::uint32_t capacity = 256;
    std::uint32_t weight = 8;  ///< requests that a worker takes of a lane at a time, against 64 of the others
};

struct lane_plan {
    std::uint32_t capacity = 1024;  ///< requests in flight between one producer thread and one worker
    std::uint32_t producers = 4;    ///< producer threads with lanes of their own
    when_full full = when_full::reject;
    std::uint32_t waiting = 1024;                     ///< wait: calls that may wait for places of one lane
    or_auto<std::uint32_t> keep{};                    ///< drop_oldest: queued requests of one lane; auto: half the capacity
    std::chrono::nanoseconds target{1'000'000};       ///< shed: the time in the queue that is to be kept
    std::chrono::nanoseconds interval{100'000'000};   ///< shed: for so long at least it is not, before anything is shed
    std::optional<bulk_plan> bulk{};
};

struct idle_plan {
    idle_strategy strategy = idle_strategy::spin_then_park;
    std::chrono::nanoseconds spin{20'000};  ///< spin budget before parking; also the control plane's, while a reply is due
};

/// Who has the connections of a service's clients, in a program that offers both, as samples/kv does. A bridge serves its lanes whatever this says.
enum class pool_front {
    lanes,   ///< the program's own io_context: requests come to the workers by lanes
    reactor  ///< the workers themselves (numasio/reactor_pool.hpp)
};

/// Which of its own tasks a worker of a task pool runs first.
enum class task_order {
    oldest_first,  ///< first come, first served: bounded delay
    newest_first   ///< for fork-join: what was made last is in the caches. The oldest may wait for as long as new ones come
};

/// From whom an idle worker of a task pool takes tasks.
enum class steal_scope {
    node,     ///< the workers of its own node only
    package,  ///< also those of other nodes of its package, where more than `backlog` is queued
    any       ///< also those of any node
};

/// Of pools that run tasks (numasio/node_pool.hpp); a reactor's counts the capacity only.
struct task_plan {
    std::uint32_t capacity = 4096;  ///< tasks from outside that wait for a node or for a worker; rounded up to a power of two
    task_order order = task_order::oldest_first;
    steal_scope steal = steal_scope::node;
    std::uint32_t backlog = 256;    ///< queued tasks of a node that other nodes leave alone
    std::uint32_t budget = 16;      ///< tasks that a worker takes from another node at a time
    std::uint32_t bulk_weight = 8;  ///< tasks of class bulk that a busy worker runs, against 64 of the others
};

/// A promise about the time between a request's submission and its reply's delivery.
struct slo_plan {
    double quantile = 0.99;  ///< 0 < quantile < 1
    std::chrono::nanoseconds target{1'000'000};
};

struct pool_plan {
    std::string name;
    run_mode run = run_mode::service;
    or_auto<std::vector<node_id>> nodes;     ///< auto: every executor node
    or_auto<std::vector<cpu_id>> cpus;       ///< auto: one CPU per worker, whole cores first; ascending
    or_auto<std::uint32_t> workers_per_node; ///< auto: one per CPU of `cpus`, or else per core left over
    memory_plan memory;  ///< run_mode::service, as `lane` and `slo`
    lane_plan lane;
    idle_plan idle;      ///< caller_drives: run_mode::service
    task_plan tasks;     ///< run_mode::tasks and reactor
    pool_front front = pool_front::lanes;  ///< run_mode::service
    std::optional<slo_plan> slo;
    std::uint32_t realtime = 0;  ///< the workers' SCHED_FIFO priority, 1 … 99; 0: ordinary threads
    enforcement enforce = enforcement::best_effort;
};

struct listener_plan {
    std::string name;     ///< "http" is the control server's; others are the application's
    std::string address;  ///< a numeric IPv4 or IPv6 address
    std::uint16_t port = 0;  ///< 0: the system chooses
};

struct control_plan {
    or_auto<std::vector<cpu_id>> cpus;  ///< auto: one CPU, where there is more than one
};

/// A place in a plan file. Lines and columns count from 1, columns in bytes; line 0 is the file as a whole.
struct plan_mark {
    std::string file;
    int line = 0;
    int column = 0;
    /// What the plan said there; empty for a section. Where a value was changed in code afterwards, an error does
    /// not name the place.
    std::string value = {};
};

/// The ranges of the values are in numasio/plan_limits.hpp; a bridge refuses what is outside them (plan_error).
struct plan {
    control_plan control;
    std::vector<pool_plan> pools;
    std::vector<listener_plan> listeners;
    std::chrono::nanoseconds drain{5'000'000'000};  ///< deadline of an orderly stop
    std::uint32_t simulate_nodes = 0;               ///< 0: the machine's own nodes

    /// Where each key that is present stood, by key path ("pools.kv.lane.capacity"; the value, where a
    /// section's shorthand stands for the key); empty for a plan built in code.
    std::map<std::string, plan_mark> marks;

    const pool_plan* find_pool(std::string_view name) const noexcept;
    const listener_plan* find_listener(std::string_view name) const noexcept;
};

std::string_view to_string(run_mode run) noexcept;
std::string_view to_string(memory_policy policy) noexcept;
/// "4KiB", "transparent", "2MiB", "1GiB".
std::string_view to_string(page_kind pages) noexcept;
std::string_view to_string(enforcement enforce) noexcept;
std::string_view to_string(idle_strategy strategy) noexcept;
std::string_view to_string(when_full full) noexcept;
std::string_view to_string(pool_front front) noexcept;
std::string_view to_string(task_order order) noexcept;
std::string_view to_string(steal_scope scope) noexcept;

}  // namespace numasio
