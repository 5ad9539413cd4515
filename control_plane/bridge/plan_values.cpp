// Every value of a plan with its key, and what is wrong with it on any machine.
#include "control_plane/bridge/plan_values.hpp"

#include "control_plane/bridge/numeric_address.hpp"
#include "control_plane/bridge/value_text.hpp"

#include <numasio/topology.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace numasio::detail {
namespace {

std::string default_is(const std::string& text) { return "the default is " + text; }

class entry_list {
public:
    std::vector<plan_entry> take() && { return std::move(entries_); }

    plan_entry& add(std::string key, std::string text) {
        return entries_.emplace_back(plan_entry{std::move(key), std::move(text), {}, {}, {}});
    }

    static void blame(plan_entry& entry, std::string what, std::string expected, std::string suggestion = {}) {
        entry.what = std::move(what);
        entry.expected = std::move(expected);
        entry.suggestion = std::move(suggestion);
    }

    void whole(const std::string& key, std::uint64_t n, plan_range range, std::string expected, std::string remedy) {
        amount(add(key, std::to_string(n)), n, range, std::move(expected), std::move(remedy));
    }
    void whole(const std::string& key, std::uint64_t n, plan_range range, std::uint64_t fallback) {
        whole(key, n, range, expected_whole(range), default_is(std::to_string(fallback)));
    }
    void size(const std::string& key, bytes n, plan_range range, bytes fallback) {
        amount(add(key, size_text(n.value)), n.value, range, expected_size(range),
               default_is(size_text(fallback.value)));
    }
    void duration(const std::string& key, std::chrono::nanoseconds time, plan_range range,
                  std::chrono::nanoseconds fallback) {
        const auto remedy = default_is(duration_text(static_cast<std::uint64_t>(fallback.count())));
        const auto n = static_cast<std::uint64_t>(time.count());
        if (time.count() >= 0) {
            return amount(add(key, duration_text(n)), n, range, expected_duration(range), remedy);
        }
        auto& entry = add(key, "-" + duration_text(std::uint64_t{0} - n));
        blame(entry, entry.text + " is negative", expected_duration(range), remedy);
    }

    template <class Word>
    void word(const std::string& key, Word value, std::initializer_list<Word> words, Word fallback) {
        auto& entry = add(key, std::string(to_string(value)));
        if (std::find(words.begin(), words.end(), value) != words.end()) { return; }
        std::string all;
        for (const auto one : words) { all += (all.empty() ? "" : ", ") + std::string(to_string(one)); }
        blame(entry, "is none of its values", all, default_is(std::string(to_string(fallback))));
    }

    template <class Id>
    void ids(const std::string& key, const or_auto<std::vector<Id>>& ids, plan_range range) {
        auto& entry = add(key, ids ? to_list(*ids) : "auto");
        if (!ids) { return; }
        std::set<Id> seen;
        for (const auto id : *ids) {
            const auto n = std::to_string(id.value);
            const bool fits = range.holds(id.value);
            if (fits && seen.insert(id).second) { continue; }
            return blame(entry, n + (fits ? " is named twice" : " is too large"),
                         fits ? "each number once" : "numbers from " + ends(range), "leave it out");
        }
    }

    void fraction(const std::string& key, double value, double fallback) {
        auto& entry = add(key, fraction_text(value));
        if (value > 0 && value < 1) { return; }  // false for what is not a number
        blame(entry, entry.text + " is out of range", std::string(expected_fraction),
              default_is(fraction_text(fallback)));
    }

    /// A section of names: how many there are, and each of them good and given once.
    template <class Named>
    std::size_t names(const std::string& key, const std::vector<Named>& all, plan_range range) {
        auto& entry = add(key, "");
        if (!range.holds(all.size())) {
            blame(entry, all.empty() ? "names nothing" : "has " + std::to_string(all.size()) + " names",
                  "a section of " + ends(range) + " names with their settings",
                  all.empty() ? "add one" : "leave some out");
        }
        return std::min<std::size_t>(all.size(), range.high);
    }

    std::string name(const std::string& section, const std::string& name, std::set<std::string>& seen) {
        const auto key = plan_key(section, name);
        auto& entry = add(key, "");
        if (!is_plan_name(name)) {
            blame(entry, "is not a name", std::string(expected_name), "choose another name");
        } else if (!seen.insert(name).second) {
            blame(entry, "is given twice", "each key once", "give each a name of its own");
        }
        return key;
    }

private:
    static std::string ends(plan_range range) {
        return std::to_string(range.low) + " to " + std::to_string(range.high);
    }

    static void amount(plan_entry& entry, std::uint64_t n, plan_range range, std::string expected,
                       std::string remedy) {
        if (range.holds(n)) { return; }
        blame(entry, entry.text + (n < range.low ? " is too small" : " is too large"), std::move(expected),
              std::move(remedy));
    }

    std::vector<plan_entry> entries_;
};

void add_listeners(entry_list& out, const std::vector<listener_plan>& listeners) {
    std::set<std::string> seen;
    std::vector<std::pair<boost::asio::ip::address, const listener_plan*>> taken;
    const auto count = out.names("listeners", listeners, plan_limits::listeners);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& one = listeners[i];
        const auto key = out.name("listeners", one.name, seen);
        const auto address = numeric_address(one.address);
        const bool v6 = address && address->is_v6();
        auto& entry = out.add(key, (v6 ? "[" + one.address + "]" : one.address) + ":" + std::to_string(one.port));
        if (!address) {
            const auto meant = meant_address(one.address);
            entry_list::blame(entry, quoted(one.address) + " is no numeric address",
                              "an IPv4 or IPv6 address, as 127.0.0.1 or ::1",
                              meant.empty() ? "" : "did you mean " + meant + "?");
            continue;
        }
        for (const auto& [where, other] : taken) {
            if (one.port != 0 && other->port == one.port && where == *address) {
                entry_list::blame(entry, "listens where " + plan_key("listeners", other->name) + " does",
                                  "an address and port of its own",
                                  "choose another port; 0: the system chooses");
            }
        }
        taken.emplace_back(*address, &one);
    }
}

void add_lane(entry_list& out, const std::string& key, const lane_plan& lane) {
    const lane_plan fallback;
    out.whole(key + ".capacity", lane.capacity, plan_limits::lane_capacity, fallback.capacity);
    out.whole(key + ".producers", lane.producers, plan_limits::lane_producers, fallback.producers);
    out.word(key + ".when_full", lane.full, {when_full::reject, when_full::wait, when_full::drop_oldest, when_full::shed}, fallback.full);
    out.whole(key + ".waiting", lane.waiting, plan_limits::lane_waiting, fallback.waiting);
    if (lane.keep) {
        out.whole(key + ".keep", *lane.keep, plan_limits::lane_keep, "auto or " + expected_whole(plan_limits::lane_keep), default_is("auto"));
    } else {
        out.add(key + ".keep", "auto");
    }
    out.duration(key + ".target", lane.target, plan_limits::lane_target, fallback.target);
    out.duration(key + ".interval", lane.interval, plan_limits::lane_interval, fallback.interval);
    if (lane.bulk) {
        out.whole(key + ".bulk.capacity", lane.bulk->capacity, plan_limits::lane_capacity, bulk_plan{}.capacity);
        out.whole(key + ".bulk.weight", lane.bulk->weight, plan_limits::bulk_weight, bulk_plan{}.weight);
    }
}

void add_tasks(entry_list& out, const std::string& key, const task_plan& tasks) {
    const task_plan fallback;
    out.whole(key + ".capacity", tasks.capacity, plan_limits::task_capacity, fallback.capacity);
    out.word(key + ".order", tasks.order, {task_order::oldest_first, task_order::newest_first}, fallback.order);
    out.word(key + ".steal", tasks.steal, {steal_scope::node, steal_scope::package, steal_scope::any}, fallback.steal);
    out.whole(key + ".backlog", tasks.backlog, plan_limits::task_backlog, fallback.backlog);
    out.whole(key + ".budget", tasks.budget, plan_limits::task_budget, fallback.budget);
    out.whole(key + ".bulk_weight", tasks.bulk_weight, plan_limits::bulk_weight, fallback.bulk_weight);
}

void add_pool(entry_list& out, const std::string& key, const pool_plan& pool) {
    const pool_plan fallback;
    out.word(key + ".run", pool.run, {run_mode::service, run_mode::tasks, run_mode::reactor}, fallback.run);
    out.ids(key + ".nodes", pool.nodes, plan_limits::node);
    out.ids(key + ".cpus", pool.cpus, plan_limits::cpu);
    if (pool.workers_per_node) {
        out.whole(key + ".workers_per_node", *pool.workers_per_node, plan_limits::workers_per_node,
                  "auto or " + expected_whole(plan_limits::workers_per_node), default_is("auto"));
    } else {
        out.add(key + ".workers_per_node", "auto");
    }
    out.word(key + ".memory.policy", pool.memory.policy,
             {memory_policy::bind, memory_policy::preferred, memory_policy::local, memory_policy::interleave,
              memory_policy::weighted_interleave},
             fallback.memory.policy);
    if (pool.memory.pages) {
        out.word(key + ".memory.pages", *pool.memory.pages,
                 {page_kind::base, page_kind::transparent, page_kind::huge_2mib, page_kind::huge_1gib}, page_kind::base);
    } else {
        out.add(key + ".memory.pages", "auto");
    }
    out.size(key + ".memory.per_worker", pool.memory.per_worker, plan_limits::memory_per_worker,
             fallback.memory.per_worker);
    add_lane(out, key + ".lane", pool.lane);
    out.word(key + ".idle.strategy", pool.idle.strategy,
             {idle_strategy::busy_spin, idle_strategy::spin_then_park, idle_strategy::park, idle_strategy::caller_drives},
             fallback.idle.strategy);
    out.duration(key + ".idle.spin", pool.idle.spin, plan_limits::idle_spin, fallback.idle.spin);
    add_tasks(out, key + ".tasks", pool.tasks);
    out.word(key + ".front", pool.front, {pool_front::lanes, pool_front::reactor}, fallback.front);
    if (pool.slo) {
        out.fraction(key + ".slo.quantile", pool.slo->quantile, slo_plan{}.quantile);
        out.duration(key + ".slo.target", pool.slo->target, plan_limits::slo_target, slo_plan{}.target);
    }
    out.whole(key + ".realtime", pool.realtime, plan_limits::realtime, fallback.realtime);
    out.word(key + ".enforcement", pool.enforce, {enforcement::strict, enforcement::best_effort}, fallback.enforce);
}

}  // namespace

std::vector<plan_entry> entries_of(const plan& asked) {
    entry_list out;
    out.ids("control.cpus", asked.control.cpus, plan_limits::cpu);
    out.duration("drain", asked.drain, plan_limits::drain, plan{}.drain);
    out.whole("simulate_nodes", asked.simulate_nodes, plan_limits::simulate_nodes,
              expected_simulate_nodes(), "0 takes the machine's own nodes");
    add_listeners(out, asked.listeners);
    std::set<std::string> seen;
    const auto count = out.names("pools", asked.pools, plan_limits::pools);
    for (std::size_t i = 0; i < count; ++i) {
        add_pool(out, out.name("pools", asked.pools[i].name, seen), asked.pools[i]);
    }
    return std::move(out).take();
}

void remember_values(plan& loaded) {
    for (auto& entry : entries_of(loaded)) {
        const auto mark = loaded.marks.find(entry.key);
        if (mark != loaded.marks.end()) { mark->second.value = std::move(entry.text); }
    }
}

}  // namespace numasio::detail
