// What a task pool's worker takes from others, and what it leaves to them.
#include "hot_path/task_pool_core.hpp"
#include "hot_path/task_worker.hpp"

#include <numasio/detail/platform.hpp>

#include <algorithm>

namespace numasio::hot_path {
namespace {

constexpr std::uint32_t most_stolen = 64;            // at a time, and half of what there is
constexpr std::int64_t patience_ns = 1'000;          // between two looks at what another has queued
constexpr std::int64_t move_ns = 64;                 // about what a task's way to another core costs: less is not worth it
constexpr std::int64_t long_for_small_ns = 100'000;  // but where there are very many

}  // namespace

pool_task* task_worker::search() noexcept {
    if (desk_.alone || is_ordered(bench) || !idling_.begin_search()) { return nullptr; }
    searches_.add();
    for (std::size_t victim = 0; victim < victims_.size(); ++victim) {
        if (auto* task = steal_from(victim)) { return task; }
    }
    if (auto* task = steal_abroad()) { return task; }
    empty_searches_.add();
    return nullptr;
}

/// What its owner will have run in a moment is left to it: tasks so small would cost more on their way here than they take. One at a time is run where it was posted.
bool task_worker::are_soon_run(const detail::task_deque& theirs, std::uint32_t queued, sighting& seen) const noexcept {
    const auto now = detail::steady_ns();
    const auto taken = theirs.taken(), added = theirs.added();
    const auto passed = now - seen.since;
    if (passed < patience_ns) { return true; }
    // However long that look was ago: two looks at a queue of which nothing is taken find that it stands still.
    const auto done = static_cast<std::int64_t>(taken - seen.taken);
    const bool grows = static_cast<std::int64_t>(added - seen.added) * move_ns > passed;  // who posts so fast has not begun to run them
    seen = {now, taken, added};
    if (done == 0) { return grows; }
    const auto each = passed / done;
    return each * queued <= (each < move_ns ? long_for_small_ns : patience_ns);
}

pool_task* task_worker::steal_from(std::size_t victim) noexcept {
    for (int kind = 0; kind < 2; ++kind) {
        auto& theirs = victims_[victim]->queues_[kind];
        auto& mine = queues_[kind];
        const auto queued = theirs.size();
        if (queued == 0 || are_soon_run(theirs, queued, seen_[victim][static_cast<std::size_t>(kind)])) { continue; }
        auto wanted = std::min((queued + 1) / 2, most_stolen);
        pool_task* first = nullptr;
        while (wanted != 0) {
            const auto got = theirs.steal();
            if (got.how == detail::task_deque::outcome::empty) { break; }
            if (got.how == detail::task_deque::outcome::lost) { continue; }
            --wanted;
            stolen_.add();
            if (first == nullptr) { first = got.item; }
            else if (!mine.push(got.item)) { node_.intakes[kind].push(got.item, false); }
        }
        if (first != nullptr) { return unless_benched(first, kind); }
    }
    return nullptr;
}

/// From another node, where the plan allows it and more is queued there than its workers are to be left with.
pool_task* task_worker::steal_abroad() noexcept {
    if (pool_.asked().steal == steal_scope::node) { return nullptr; }
    for (const auto& from : pool_.nodes_to_steal_from(node_)) {
        const auto queued = pool_.backlog_of(*from.node);
        if (queued <= pool_.asked().backlog) { continue; }
        pool_task* first = nullptr;
        const auto n = from.node->intakes[0].take(std::min(pool_.asked().budget, queued - pool_.asked().backlog), [&](pool_task* task) {
            if (first == nullptr) { first = task; }
            else if (!queues_[0].push(task)) { from.node->intakes[0].push(task, false); }
        });
        for (std::uint32_t i = 0; i < from.node->workers && first == nullptr; ++i) {
            first = pool_.worker(from.node->first + i).queues_[0].steal().item;
        }
        if (first == nullptr) { continue; }
        stolen_abroad_.add(std::max<std::size_t>(n, 1));
        distance_.add(from.distance * std::max<std::size_t>(n, 1));
        return unless_benched(first, 0);
    }
    return nullptr;
}

/// On this node, for any of its workers.
bool task_worker::others_have_some() const noexcept {
    return node_.intakes[0].has_some() || node_.intakes[1].has_some() ||
           std::any_of(victims_.begin(), victims_.end(), [](const task_worker* other) { return other->queues_[0].size() != 0 || other->queues_[1].size() != 0; });
}

}  // namespace numasio::hot_path
