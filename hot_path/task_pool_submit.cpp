// How tasks come into a task pool, who is woken for them, and who runs its timers and sockets.
#include "hot_path/task_pool_core.hpp"

#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace numasio::hot_path {

using detail::idle_workers;

// --- the way in ---------------------------------------------------------------------------------------

std::uint32_t task_pool_core::place_of(const task_node& node) const noexcept {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& n) { return n.get() == &node; });
    return static_cast<std::uint32_t>(found - nodes_.begin());
}

std::uint32_t task_pool_core::backlog_of(const task_node& node) const noexcept {
    auto n = node.intakes[0].size();
    for (std::uint32_t i = 0; i < node.workers; ++i) { n += workers_of_[node.first + i]->queues_[0].size(); }
    return n;
}

error_code task_pool_core::place(pool_task* task, const detail::task_terms& terms, bool refusable) noexcept {
    if (refusable) {
        if (is_forked()) { return errc::forked; }
        if (closed_.load(std::memory_order_relaxed)) { return errc::stopped; }
    }
    const auto full = [this] {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return make_error_code(errc::pool_full);
    };
    if (terms.home == detail::task_home::worker) {
        auto& worker = *workers_of_[terms.place];
        if (!worker.own_intake().push(task, refusable)) { return full(); }
        const auto sleeper = worker.node().idle.after_publishing_to(worker.place_on_node());
        if (sleeper != idle_workers::nobody) { wake(worker.node(), sleeper); }
        if (refusable) { end_late(); }
        return {};
    }
    const auto* desk = detail::desk_of_this_thread;
    // Without a node of its own: the caller's where it is a worker, else the nodes in turn, so many tasks of a thread on each that they arrive in batches.
    const auto at = terms.home == detail::task_home::node                ? terms.place
                    : desk != nullptr && desk->pool == this ? desk->node
                    : nodes_.size() == 1                    ? 0
                                                            : next_node_.fetch_add(1, std::memory_order_relaxed) / 16 % nodes();
    auto& node = *nodes_[at];
    if (!node.intake(terms.kind).push(task, refusable)) { return full(); }
    tell_node(node);
    if (refusable) { end_late(); }
    return {};
}

/// Behind the full fence of a push: the pool was open before it, and may have ended since, when nobody looks for the task any more.
void task_pool_core::end_late() noexcept {
    if (closed_.load(std::memory_order_relaxed) && has_ended()) [[unlikely]] { destroy_tasks(); }  // [late-1]
}

error_code task_pool_core::place_observed(pool_task* task, const detail::task_terms& terms, bool refusable) noexcept {
    auto* const observer = hooks_.observer;
    if (observer == nullptr) [[likely]] { return place(task, terms, refusable); }
    const auto event = event_of(task);
    observer->enqueued(event);
    auto* const desk = detail::desk_of_this_thread;
    const bool here = desk != nullptr && desk->pool == this && is_home_here(terms) && terms.home != detail::task_home::worker;
    if (here && desk->queues[static_cast<int>(terms.kind)]->push(task)) {  // what submit() does unobserved
        const auto sleeper = desk->idle->after_publishing_here();
        if (sleeper != idle_workers::nobody) { wake(*nodes_[desk->node], sleeper); }
        return {};
    }
    const auto refused = place(task, terms, refusable);
    if (refused) { observer->refused(event); }
    return refused;
}

void task_pool_core::tell_node(task_node& node) noexcept {
    const auto sleeper = node.idle.after_publishing();
    if (sleeper != idle_workers::nobody) { return wake(node, sleeper); }
    tell_abroad(node);
}

/// Nobody is idle on this node: those of other nodes that may come, where the plan has them come.
void task_pool_core::tell_abroad(task_node& node) noexcept {
    if (plan_.tasks.steal == steal_scope::node || node.idle.searching() != 0) { return; }
    if (backlog_of(node) <= plan_.tasks.backlog) { return; }
    for (std::uint32_t other = 0; other < nodes(); ++other) {
        const auto& from = abroad_[other];
        if (std::none_of(from.begin(), from.end(), [&](const auto& o) { return o.node == &node; })) { continue; }
        if (nodes_[other]->idle.searching() != 0) { return; }
        const auto helper = nodes_[other]->idle.claim_any();
        if (helper != idle_workers::nobody) { return wake(*nodes_[other], helper); }
    }
}

void task_pool_core::submit_from(pool_task* task, const detail::task_terms& terms, bool refusable) {
    // A worker of the pool is not refused: what it runs was admitted.
    const auto* desk = detail::desk_of_this_thread;
    const auto refused = place_observed(task, terms, refusable && (desk == nullptr || desk->pool != this));
    if (!refused) { return; }
    task->kind->end(task, false);
    throw boost::system::system_error(refused, plan_.name);
}

// --- timers and sockets -------------------------------------------------------------------------------

void task_pool_core::hand_lead_on(task_node& from) noexcept {
    const auto first = place_of(from);
    for (std::uint32_t i = 0; i < nodes(); ++i) {
        auto& node = *nodes_[(first + i) % nodes()];
        const auto sleeper = node.idle.claim_any();
        if (sleeper != idle_workers::nobody) { return wake(node, sleeper); }
    }
}

void task_pool_core::run_io(task_worker& leader, bool blocks) noexcept {
    if (!leader.bell_.may_enter() && blocks) { return; }
    constexpr int most_handlers = 64;
    leader.desk_.inline_calls = false;  // what completes goes to a queue: the context is not kept from others by it
    try {
        int n = 0;
        if (blocks) { n += static_cast<int>(io_->run_one()); }
        while ((n != 0 || !blocks) && n < most_handlers && io_->poll_one() != 0) { ++n; }
    } catch (...) {
        leader.count_failure(std::current_exception());
    }
    leader.desk_.inline_calls = true;
    polled_at_.store(detail::steady_ns(), std::memory_order_relaxed);
}

}  // namespace numasio::hot_path

namespace numasio::detail {

using hot_path::task_pool_core;

void task_pool::submit_elsewhere(pool_task* task, const task_terms& terms, bool refusable) {
    static_cast<task_pool_core*>(this)->submit_from(task, terms, refusable);
}

error_code task_pool::try_submit(pool_task* task, const task_terms& terms) noexcept {
    return static_cast<task_pool_core*>(this)->place_observed(task, terms, true);
}

void task_pool::submit_waited(pool_task* task, const task_terms& terms) {
    const auto refused = try_submit(task, terms);
    if (!refused) { return; }
    task->kind->end(task, false);
    throw boost::system::system_error(refused);
}

void task_pool::wake(std::uint32_t node, std::uint32_t sleeper) noexcept {
    auto& core = *static_cast<task_pool_core*>(this);
    core.wake(*core.nodes_[node], sleeper);
}

void task_pool::help(const task_terms& awaited, std::uint32_t& idle_laps) noexcept {
    constexpr std::uint32_t before_a_yield = 64;
    constexpr std::uint32_t before_a_sleep = 256;
    auto& core = *static_cast<task_pool_core*>(this);
    if (runs_here()) {
        const auto* const desk = desk_of_this_thread;
        if (core.worker(desk->worker).help(awaited.home == task_home::worker && awaited.place == desk->worker)) {
            idle_laps = 0;
            return;
        }
    }
    if (++idle_laps < before_a_yield) { return cpu_relax(); }
    end_what_is_left();
    if (idle_laps < before_a_sleep) { return std::this_thread::yield(); }
    // Each sleep is a little longer than the one before: short beside the time that it has waited.
    std::this_thread::sleep_for(std::chrono::microseconds(std::min<std::uint32_t>(idle_laps - before_a_sleep, runs_here() ? 100 : 1000)));
}

void task_pool::end_what_is_left() noexcept {
    auto& core = *static_cast<task_pool_core*>(this);
    if (!runs_here()) {
        if (core.has_ended()) { core.destroy_tasks(); }
    } else if (core.worker(desk_of_this_thread->worker).is_told_to_leave()) {
        core.destroy_left_behind();
    }
}

void task_pool::last_work_ends() noexcept {
    auto& core = *static_cast<task_pool_core*>(this);
    for (auto& node : core.nodes_) {
        node->idle.fence();  // either this sees that somebody joins, or who falls asleep sees the end of the work
        if (!core.end_.is_joined()) { break; }
        const auto sleeper = node->idle.claim_any();
        if (sleeper != idle_workers::nobody) {
            core.wake(*node, sleeper);
            break;
        }
    }
    work_.told();
}

boost::asio::execution_context& task_pool::context() noexcept {
    auto& core = *static_cast<task_pool_core*>(this);
    if (core.lead_.use()) {
        // All may sleep on their futexes: one wakes, and leads when it sleeps again.
        for (auto& node : core.nodes_) { core.tell_node(*node); }
    }
    return *core.io_;
}

}  // namespace numasio::detail
