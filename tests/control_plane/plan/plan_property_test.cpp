// For any plan: written out and read again it is the same plan; cut short it never turns into another one unnoticed.
#include "control_plane/plan/plan_text.hpp"

#include <numasio/layout.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

namespace numasio::test {
namespace {

template <class T>
T between(T low, T high) {
    // rapidcheck's range excludes its end.
    return static_cast<T>(
        *rc::gen::inRange<std::int64_t>(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high) + 1));
}

template <class Id>
or_auto<std::vector<Id>> some_ids(std::uint32_t last) {
    if (*rc::gen::arbitrary<bool>()) { return std::nullopt; }
    std::set<std::uint32_t> numbers;
    const auto count = between(1, 6);
    for (int i = 0; i < count; ++i) { numbers.insert(between(0U, last)); }
    std::vector<Id> out;
    for (const auto n : numbers) { out.push_back(Id{n}); }
    return out;
}

pool_plan some_pool(int index) {
    pool_plan pool;
    pool.name = "p" + std::to_string(index);
    pool.run = *rc::gen::element(run_mode::service, run_mode::tasks, run_mode::reactor);
    pool.nodes = some_ids<node_id>(4095);
    pool.cpus = some_ids<cpu_id>(65'535);
    if (*rc::gen::arbitrary<bool>()) { pool.workers_per_node = between(1U, 4096U); }
    pool.memory.policy = *rc::gen::element(memory_policy::bind, memory_policy::preferred, memory_policy::local,
                                           memory_policy::interleave, memory_policy::weighted_interleave);
    pool.memory.pages = *rc::gen::element<or_auto<page_kind>>(std::nullopt, page_kind::base, page_kind::transparent,
                                                              page_kind::huge_2mib, page_kind::huge_1gib);
    pool.memory.per_worker = bytes{between(std::uint64_t{1} << 20, std::uint64_t{1} << 44)};
    pool.lane.capacity = between(1U, 1'048'576U);
    pool.lane.producers = between(1U, 1024U);
    pool.lane.full = *rc::gen::element(when_full::reject, when_full::wait, when_full::drop_oldest, when_full::shed);
    pool.lane.waiting = between(1U, 1'048'576U);
    if (*rc::gen::arbitrary<bool>()) { pool.lane.keep = between(1U, 1'048'576U); }
    pool.lane.target = std::chrono::nanoseconds(between(std::int64_t{1'000}, std::int64_t{60'000'000'000}));
    pool.lane.interval = std::chrono::nanoseconds(between(std::int64_t{1'000}, std::int64_t{60'000'000'000}));
    if (*rc::gen::arbitrary<bool>()) { pool.lane.bulk = bulk_plan{between(1U, 1'048'576U), between(1U, 64U)}; }
    pool.idle.strategy =
        *rc::gen::element(idle_strategy::busy_spin, idle_strategy::spin_then_park, idle_strategy::park, idle_strategy::caller_drives);
    pool.idle.spin = std::chrono::nanoseconds(between(0, 10'000'000));
    pool.tasks.capacity = between(2U, 1'048'576U);
    pool.tasks.order = *rc::gen::element(task_order::oldest_first, task_order::newest_first);
    pool.tasks.steal = *rc::gen::element(steal_scope::node, steal_scope::package, steal_scope::any);
    pool.tasks.backlog = between(0U, 1'048'576U);
    pool.tasks.budget = between(1U, 1024U);
    pool.tasks.bulk_weight = between(1U, 64U);
    if (*rc::gen::arbitrary<bool>()) {
        pool.slo = slo_plan{between(1, 999'999) / 1e6,
                            std::chrono::nanoseconds(between(std::int64_t{1'000}, std::int64_t{60'000'000'000}))};
    }
    pool.front = *rc::gen::element(pool_front::lanes, pool_front::reactor);
    pool.realtime = between(0U, 99U);
    pool.enforce = *rc::gen::element(enforcement::strict, enforcement::best_effort);
    return pool;
}

plan some_plan() {
    plan out;
    out.control.cpus = some_ids<cpu_id>(65'535);
    out.drain = std::chrono::nanoseconds(between(std::int64_t{0}, std::int64_t{3'600'000'000'000}));
    out.simulate_nodes = between(0U, 1024U);
    const int pools = between(1, 4);
    for (int i = 0; i < pools; ++i) { out.pools.push_back(some_pool(i)); }
    const int listeners = between(0, 4);
    for (int i = 0; i < listeners; ++i) {
        const std::string address =
            *rc::gen::element<std::string>("127.0.0.1", "0.0.0.0", "::1", "::", "fe80::1", "10.1.2.3");
        // A different port for each, because two listeners in one place are an error.
        out.listeners.push_back(
            {"l" + std::to_string(i), address, static_cast<std::uint16_t>(between(0, 16'000) * 4 + i)});
    }
    return out;
}

TEST(plan_property, a_plan_that_is_written_out_reads_back_as_the_same_plan) {
    EXPECT_TRUE(rc::check("parse_plan(to_yaml(p)) == p", [] {
        const plan p = some_plan();
        const std::string yaml = to_yaml(p);
        const plan back = parse_plan(yaml);
        RC_ASSERT(to_yaml(back) == yaml);
        RC_ASSERT(back.pools.size() == p.pools.size());
        for (std::size_t i = 0; i < p.pools.size(); ++i) {
            const pool_plan& a = p.pools[i];
            const pool_plan& b = back.pools[i];
            RC_ASSERT((a.name == b.name && a.nodes == b.nodes && a.cpus == b.cpus));
            RC_ASSERT((a.workers_per_node == b.workers_per_node && a.lane.capacity == b.lane.capacity));
            RC_ASSERT((a.memory.per_worker == b.memory.per_worker && a.memory.pages == b.memory.pages && a.idle.spin == b.idle.spin));
            RC_ASSERT((a.run == b.run && a.tasks.capacity == b.tasks.capacity && a.tasks.order == b.tasks.order && a.tasks.steal == b.tasks.steal));
            RC_ASSERT((a.tasks.backlog == b.tasks.backlog && a.tasks.budget == b.tasks.budget && a.tasks.bulk_weight == b.tasks.bulk_weight));
            RC_ASSERT(a.realtime == b.realtime);
            RC_ASSERT(a.slo.has_value() == b.slo.has_value());
            if (a.slo) { RC_ASSERT((a.slo->quantile == b.slo->quantile && a.slo->target == b.slo->target)); }
        }
        RC_ASSERT((back.drain == p.drain && back.simulate_nodes == p.simulate_nodes));
        RC_ASSERT(back.control.cpus == p.control.cpus);
    }));
}

TEST(plan_property, what_a_machine_lacks_for_a_plan_from_a_file_has_its_place_there) {
    EXPECT_TRUE(rc::check("make_layout(parse_plan(to_yaml(p))) is a layout or problems with places", [] {
        const plan p = parse_plan(to_yaml(some_plan()));
        try {
            make_layout(p, discover_topology("synthetic:numa:2 core:4 pu:2"));
        } catch (const plan_error& e) {
            for (const auto& problem : e.problems()) { RC_ASSERT(problem.where.line >= 1); }
        }
    }));
}

TEST(plan_property, a_plan_cut_within_a_line_is_always_refused) {
    EXPECT_TRUE(rc::check("parse_plan(prefix) fails", [] {
        const std::string yaml = to_yaml(some_plan());
        const auto length =
            static_cast<std::size_t>(between(std::int64_t{0}, static_cast<std::int64_t>(yaml.size()) - 1));
        const std::string cut = yaml.substr(0, length);
        // The inner brackets matter: RC_PRE evaluates both sides of a bare ||.
        RC_PRE((cut.empty() || cut.back() != '\n'));
        RC_ASSERT(!problems_of(cut).empty());
    }));
}

TEST(plan_property, a_changed_byte_gives_a_plan_or_problems_with_places_and_nothing_else) {
    EXPECT_TRUE(rc::check("parse_plan(changed) is a plan or a plan_error", [] {
        std::string yaml = to_yaml(some_plan());
        const auto at =
            static_cast<std::size_t>(between(std::int64_t{0}, static_cast<std::int64_t>(yaml.size()) - 1));
        yaml[at] = *rc::gen::arbitrary<char>();
        for (const auto& p : problems_of(yaml)) {
            RC_ASSERT(p.where.line >= 1);
            RC_ASSERT(p.where.column >= 1);
            RC_ASSERT(!p.what.empty());
        }
    }));
}

}  // namespace
}  // namespace numasio::test
