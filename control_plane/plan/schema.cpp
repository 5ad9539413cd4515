// Every key of a plan in one table: the parser, the suggestions and the documentation come from it.
#include "control_plane/plan/schema.hpp"

#include "control_plane/bridge/value_text.hpp"

#include <array>

namespace numasio::detail {
namespace {

using namespace std::string_view_literals;
using std::chrono::nanoseconds;
using target = plan_target;

namespace limits = plan_limits;

// Each in the order of its enumeration, so that the index of the word is the value.
constexpr std::array modes = {"service"sv, "tasks"sv, "reactor"sv};
constexpr std::array orders = {"oldest_first"sv, "newest_first"sv};
constexpr std::array scopes = {"node"sv, "package"sv, "any"sv};
constexpr std::array policies = {"bind"sv, "preferred"sv, "local"sv, "interleave"sv, "weighted_interleave"sv};
constexpr std::array page_kinds = {"4KiB"sv, "transparent"sv, "2MiB"sv, "1GiB"sv, "auto"sv};
constexpr std::array enforcements = {"strict"sv, "best_effort"sv};
constexpr std::array strategies = {"busy_spin"sv, "spin_then_park"sv, "park"sv, "caller_drives"sv};
constexpr std::array fronts = {"lanes"sv, "reactor"sv};
constexpr std::array full_answers = {"reject"sv, "wait"sv, "drop_oldest"sv, "shed"sv};

template <class Id>
or_auto<std::vector<Id>> id_list(const plan_value& v) {
    if (v.automatic) { return std::nullopt; }
    std::vector<Id> out;
    out.reserve(v.numbers.size());
    for (const auto n : v.numbers) { out.push_back(Id{n}); }
    return out;
}

nanoseconds time(const plan_value& v) { return nanoseconds(static_cast<std::int64_t>(v.number)); }
std::uint32_t count(const plan_value& v) { return static_cast<std::uint32_t>(v.number); }

slo_plan& slo(const target& t) {
    if (!t.pool->slo) { t.pool->slo.emplace(); }
    return *t.pool->slo;
}

bulk_plan& bulk(const target& t) {
    if (!t.pool->lane.bulk) { t.pool->lane.bulk.emplace(); }
    return *t.pool->lane.bulk;
}

constexpr key_rule schema[] = {
    {"version", value_form::whole, limits::version, {}, "required", "", "the version of this format", nullptr,
     "the version that this numasio reads"},

    {"control", value_form::section, {}, {}, "auto", "cpus", "the control plane: the threads of your `io_context`",
     nullptr},
    {"control.cpus", value_form::numbers_or_auto, limits::cpu, {}, "auto", "",
     "CPUs for the control plane's threads; `auto`: the first CPU of the first node, where there is more than one",
     [](const target& t, const plan_value& v) { t.out.control.cpus = id_list<cpu_id>(v); }},

    {"drain", value_form::duration, limits::drain, {}, "5s", "",
     "how long an orderly stop waits for accepted requests before it ends them with `errc::stopped`",
     [](const target& t, const plan_value& v) { t.out.drain = time(v); }},
    {"simulate_nodes", value_form::whole, limits::simulate_nodes, {}, "0", "",
     "split the CPUs into this many pretend nodes, for demonstrations; 0: the machine's own nodes",
     [](const target& t, const plan_value& v) { t.out.simulate_nodes = count(v); }, one_node_per_cpu},

    {"listeners", value_form::names, limits::listeners, {}, "absent", "", "where to listen, by name", nullptr},
    {"listeners.*", value_form::endpoint, limits::port, {}, "absent", "",
     "`http` is the control server's, on a loopback address; every other name is the application's; port 0: the system chooses",
     [](const target& t, const plan_value& v) {
         t.listener->address = v.address;
         t.listener->port = static_cast<std::uint16_t>(v.number);
     }},

    {"pools", value_form::names, limits::pools, {}, "required", "", "the pools of pinned workers, by name", nullptr},
    {"pools.*", value_form::section, {}, {}, "auto", "auto", "one pool; `NAME: auto` takes every default", nullptr},
    {"pools.*.run", value_form::word, {}, modes, "service", "",
     "what the workers do: `service`: serve requests from lanes (`bridge::open`); `tasks`: run whatever Asio runs, as executor "
     "(`bridge::tasks`); `reactor`: an `io_context` each (`bridge::reactors`)",
     [](const target& t, const plan_value& v) { t.pool->run = static_cast<run_mode>(v.number); }},
    {"pools.*.nodes", value_form::numbers_or_auto, limits::node, {}, "auto", "",
     "nodes that the pool has workers on; `auto`: every node with CPUs that this process may use",
     [](const target& t, const plan_value& v) { t.pool->nodes = id_list<node_id>(v); }},
    {"pools.*.cpus", value_form::numbers_or_auto, limits::cpu, {}, "auto", "",
     "CPUs that the workers are pinned to, at most one worker each; `auto`: whole cores first",
     [](const target& t, const plan_value& v) { t.pool->cpus = id_list<cpu_id>(v); }},
    {"pools.*.workers_per_node", value_form::whole_or_auto, limits::workers_per_node, {}, "auto", "",
     "workers on each node; `auto`: one for each of `cpus`, or else one for each core that is left over",
     [](const target& t, const plan_value& v) {
         t.pool->workers_per_node = v.automatic ? std::nullopt : or_auto<std::uint32_t>(count(v));
     }},

    {"pools.*.memory", value_form::section, {}, {}, "64MiB", "per_worker", "with `run: service`: the memory of each worker's service",
     nullptr},
    {"pools.*.memory.policy", value_form::word, {}, policies, "bind", "",
     "`bind`: on the worker's node or not at all; `preferred`: there first, elsewhere when it is full; "
     "`local`: wherever the thread that touches it first runs; `interleave`: the service's memory page by page over all nodes "
     "with memory; `weighted_interleave`: the same by the kernel's weights (Linux 6.9)",
     [](const target& t, const plan_value& v) { t.pool->memory.policy = static_cast<memory_policy>(v.number); }},
    {"pools.*.memory.pages", value_form::word, {}, page_kinds, "auto", "",
     "pages of the service's memory; `auto`: as the system's setting of transparent huge pages has it; `4KiB`: small ones only; "
     "`transparent`: huge where the kernel can; `2MiB`, `1GiB`: from the nodes' pools, `per_worker` rounded up to them",
     [](const target& t, const plan_value& v) {
         t.pool->memory.pages = v.number + 1 == page_kinds.size() ? std::nullopt
                                                                  : or_auto<page_kind>(static_cast<page_kind>(v.number));
     }},
    {"pools.*.memory.per_worker", value_form::size, limits::memory_per_worker, {}, "64MiB", "",
     "allocated, bound and touched at start; the service gets no more",
     [](const target& t, const plan_value& v) { t.pool->memory.per_worker = bytes{v.number}; }},

    {"pools.*.lane", value_form::section, {}, {}, "1024", "capacity", "with `run: service`: the queues into each worker", nullptr},
    {"pools.*.lane.capacity", value_form::whole, limits::lane_capacity, {}, "1024", "",
     "requests in flight between one producer thread and one worker; each place holds a request and its reply, so "
     "a worker's lanes take capacity × (producers + 1) × (request + reply + bookkeeping) bytes",
     [](const target& t, const plan_value& v) { t.pool->lane.capacity = count(v); }},
    {"pools.*.lane.producers", value_form::whole, limits::lane_producers, {}, "4", "",
     "threads that have a lane of their own to each worker; those beyond share one more, and a lock",
     [](const target& t, const plan_value& v) { t.pool->lane.producers = count(v); }},
    {"pools.*.lane.when_full", value_form::word, {}, full_answers, "reject", "",
     "what a full lane does: `reject` answers `errc::lane_full` at once; `wait`: calls wait for a place, first come, first served; "
     "`drop_oldest`: posts beyond `keep` are dropped, the oldest first, with `errc::dropped`, and a lane without a place rejects; "
     "`shed`: a worker that does not keep `target` ends requests that waited for twice that with `errc::shed`",
     [](const target& t, const plan_value& v) { t.pool->lane.full = static_cast<when_full>(v.number); }},
    {"pools.*.lane.waiting", value_form::whole, limits::lane_waiting, {}, "1024", "",
     "with `wait`: calls that may wait for places of one lane; one more is answered with `errc::lane_full`",
     [](const target& t, const plan_value& v) { t.pool->lane.waiting = count(v); }},
    {"pools.*.lane.keep", value_form::whole_or_auto, limits::lane_keep, {}, "auto", "",
     "with `drop_oldest`: requests that a lane's queue may hold before posts are dropped; `auto`: half its capacity",
     [](const target& t, const plan_value& v) { t.pool->lane.keep = v.automatic ? std::nullopt : or_auto<std::uint32_t>(count(v)); }},
    {"pools.*.lane.target", value_form::duration, limits::lane_target, {}, "1ms", "",
     "with `shed`: the time that requests may wait in the queue",
     [](const target& t, const plan_value& v) { t.pool->lane.target = time(v); }},
    {"pools.*.lane.interval", value_form::duration, limits::lane_interval, {}, "100ms", "",
     "with `shed`: a queue in which every request waited longer than `target` for so long is too slow, a shorter burst is not",
     [](const target& t, const plan_value& v) { t.pool->lane.interval = time(v); }},
    {"pools.*.lane.bulk", value_form::section, {}, {}, "none", "capacity",
     "lanes of their own for requests of class `bulk`, which a worker serves behind the others; `none`: no such requests",
     [](const target& t, const plan_value& v) { v.none ? t.pool->lane.bulk.reset() : void(bulk(t)); }},
    {"pools.*.lane.bulk.capacity", value_form::whole, limits::lane_capacity, {}, "256", "", "as `lane.capacity`; these lanes come on top of the others",
     [](const target& t, const plan_value& v) { bulk(t).capacity = count(v); }},
    {"pools.*.lane.bulk.weight", value_form::whole, limits::bulk_weight, {}, "8", "",
     "requests that a worker takes of such a lane at a time; of the others it takes up to 64",
     [](const target& t, const plan_value& v) { bulk(t).weight = count(v); }},

    {"pools.*.idle", value_form::section, {}, {}, "spin_then_park", "strategy", "what a worker without work does",
     nullptr},
    {"pools.*.idle.strategy", value_form::word, {}, strategies, "spin_then_park", "",
     "`busy_spin`: never sleeps, burns its core; `spin_then_park`: spins for `spin`, then sleeps (with `run: tasks` for "
     "up to 100 us at a time while others of the node post to themselves what is not worth its way); `park`: sleeps at "
     "once; `caller_drives`, with `run: service`: has no thread, the program's own loop runs it",
     [](const target& t, const plan_value& v) { t.pool->idle.strategy = static_cast<idle_strategy>(v.number); }},
    {"pools.*.idle.spin", value_form::duration, limits::idle_spin, {}, "20us", "",
     "how long `spin_then_park` spins before it sleeps; as long the control plane waits for a reply that is due before it "
     "sleeps (not with `park` and `caller_drives`)",
     [](const target& t, const plan_value& v) { t.pool->idle.spin = time(v); }},

    {"pools.*.tasks", value_form::section, {}, {}, "4096", "capacity", "with `run: tasks` and `run: reactor`: what the workers run", nullptr},
    {"pools.*.tasks.capacity", value_form::whole, limits::task_capacity, {}, "4096", "",
     "tasks from outside that may wait for a node, or for one worker. One more is refused with `errc::pool_full` where it is a plain function given to `post`, `defer`, "
     "`dispatch` or `try_post`; what Asio could not bear to see refused always goes in: `co_spawn`, `use_future`, handlers with an executor of their own (`bind_executor`), "
     "strands, `any_io_executor`, `execute()`. Rounded up to a power of two",
     [](const target& t, const plan_value& v) { t.pool->tasks.capacity = count(v); }},
    {"pools.*.tasks.order", value_form::word, {}, orders, "oldest_first", "",
     "with `run: tasks`: `oldest_first`: first come, first served; `newest_first`: for fork-join, what was made last is in the caches",
     [](const target& t, const plan_value& v) { t.pool->tasks.order = static_cast<task_order>(v.number); }},
    {"pools.*.tasks.steal", value_form::word, {}, scopes, "node", "",
     "with `run: tasks`: from whom an idle worker takes tasks: its `node`'s others; the `package`'s other nodes, too, or `any`, where more than `backlog` wait there",
     [](const target& t, const plan_value& v) { t.pool->tasks.steal = static_cast<steal_scope>(v.number); }},
    {"pools.*.tasks.backlog", value_form::whole, limits::task_backlog, {}, "256", "", "with `steal: package` and `any`: waiting tasks of a node that other nodes leave alone",
     [](const target& t, const plan_value& v) { t.pool->tasks.backlog = count(v); }},
    {"pools.*.tasks.budget", value_form::whole, limits::task_budget, {}, "16", "", "with `steal: package` and `any`: tasks that a worker takes from another node at a time",
     [](const target& t, const plan_value& v) { t.pool->tasks.budget = count(v); }},
    {"pools.*.tasks.bulk_weight", value_form::whole, limits::bulk_weight, {}, "8", "",
     "with `run: tasks`: tasks of class `bulk` that a busy worker runs, against 64 others",
     [](const target& t, const plan_value& v) { t.pool->tasks.bulk_weight = count(v); }},
    {"pools.*.front", value_form::word, {}, fronts, "lanes", "",
     "with `run: service`: who has the connections of the service's clients, in a program that offers both, as samples/kv does; `lanes`: the program's own "
     "`io_context`, from which requests come to the workers by lanes; `reactor`: the workers themselves",
     [](const target& t, const plan_value& v) { t.pool->front = static_cast<pool_front>(v.number); }},

    {"pools.*.slo", value_form::section, {}, {}, "none", "target",
     "with `run: service`: a promise about the time from a request's submission to its reply's delivery; `none`: no promise",
     [](const target& t, const plan_value& v) { v.none ? t.pool->slo.reset() : void(slo(t)); }},
    {"pools.*.slo.quantile", value_form::fraction, {}, {}, "0.99", "", "the share of requests that it holds for",
     [](const target& t, const plan_value& v) { slo(t).quantile = v.fraction; }},
    {"pools.*.slo.target", value_form::duration, limits::slo_target, {}, "1ms", "", "the longest time that keeps it",
     [](const target& t, const plan_value& v) { slo(t).target = time(v); }},
    {"pools.*.realtime", value_form::whole, limits::realtime, {}, "0", "",
     "the workers' real-time priority (SCHED_FIFO, higher runs first); 0: ordinary threads. Needs CAP_SYS_NICE or RLIMIT_RTPRIO. A worker that never sleeps "
     "(`busy_spin`) then starves everything else on its CPU; not with `caller_drives`",
     [](const target& t, const plan_value& v) { t.pool->realtime = count(v); }},
    {"pools.*.enforcement", value_form::word, {}, enforcements, "best_effort", "",
     "`strict`: any shortfall in pinning or memory fails the start; `best_effort`: start, and say what was lost; memory that does not fit fails every start",
     [](const target& t, const plan_value& v) { t.pool->enforce = static_cast<enforcement>(v.number); }},
};

}  // namespace

std::span<const key_rule> plan_schema() noexcept { return schema; }

std::vector<const key_rule*> keys_below(std::string_view path) {
    std::vector<const key_rule*> out;
    for (const auto& rule : plan_schema()) {
        const auto dot = rule.path.rfind('.');
        const auto parent = dot == std::string_view::npos ? std::string_view() : rule.path.substr(0, dot);
        if (parent == path) { out.push_back(&rule); }
    }
    return out;
}

}  // namespace numasio::detail
