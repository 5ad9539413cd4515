// What a task pool's worker does while it finds nothing to run: it spins, naps, sleeps, or looks at timers and sockets.
#include "hot_path/task_pool_core.hpp"
#include "hot_path/task_worker.hpp"

#include <numasio/detail/platform.hpp>

#include <algorithm>
#include <utility>

namespace numasio::hot_path {
namespace {

constexpr std::uint32_t after_a_nap = task_worker::laps_per_search << 24;  // laps: it looks at once, and spins no more
constexpr std::chrono::nanoseconds shortest_nap = std::chrono::microseconds(25);
constexpr std::chrono::nanoseconds longest_nap = std::chrono::microseconds(100);

}  // namespace

/// The last look before a nap.
bool task_worker::is_wanted() const noexcept {
    return orders_.load(std::memory_order_relaxed) != 0 || own_.has_some() || has_queued() || node_.intakes[0].has_some() || node_.intakes[1].has_some();
}

/// The last look before a sleep.
bool task_worker::has_work() noexcept {
    if (is_ordered(leave)) { return true; }
    if (is_ordered(pause)) { return false; }
    // An order that came behind the look in run(): others count on this look for what a benched worker does not see.
    if (is_ordered(bench) != on_bench_) { return true; }
    if (own_.has_some() || has_queued()) { return true; }
    if (on_bench_) { return false; }
    if (others_have_some()) { return true; }
    if (pool_.asked().steal == steal_scope::node) { return false; }
    const auto& abroad = pool_.nodes_to_steal_from(node_);
    return std::any_of(abroad.begin(), abroad.end(), [this](const auto& other) { return pool_.backlog_of(*other.node) > pool_.asked().backlog; });
}

bool task_worker::has_more() noexcept { return queues_[0].size() != 0 || queues_[1].size() != 0 || others_have_some(); }

/// False when the budget is used up.
bool task_worker::spins() noexcept {
    const auto& idle = pool_.idle();
    if (idle.strategy == idle_strategy::park) { return false; }
    detail::cpu_relax();
    if (idle.strategy == idle_strategy::busy_spin) {
        if (idle_laps_++ % 32 != 0) { return true; }
        poll_io(detail::steady_ns());
        return !pool_.end().is_joined();  // the last to fall asleep ends the pool
    }
    // One spins for all of a node: the others would only take its caches from it.
    if (!desk_.alone && (!idling_.searches() || node_.idle.searching() > 1)) { return false; }
    if (idle_laps_ >= after_a_nap) { return false; }
    if (idle_laps_++ % 32 != 0) { return true; }
    const auto now = detail::steady_ns();
    if (idle_laps_ == 1) {
        spin_until_ = now + idle.spin.count();
        posted_ = posted_by_others();
        nap_ = {};
    }
    return now < spin_until_;
}

/// By one whose spin is over. Where others have posted to themselves all the while, and nothing of it was worth the way here, the next such post would end a sleep at once,
/// at the price of a system call of theirs: it looks again by itself.
bool task_worker::naps() noexcept {
    const bool has_spun = idle_laps_ != 0;
    if (!has_spun || !idling_.searches() || pool_.idle().strategy != idle_strategy::spin_then_park || orders_.load(std::memory_order_relaxed) != 0) { return false; }
    const auto posted = posted_by_others();
    if (std::exchange(posted_, posted) == posted) { return false; }
    nap_ = std::clamp(nap_ * 2, shortest_nap, longest_nap);
    if (!idling_.nap(nap_)) { return false; }
    parks_.add();
    idle_laps_ = after_a_nap;
    return true;
}

std::uint64_t task_worker::posted_by_others() const noexcept {
    std::uint64_t sum = 0;
    for (const auto* other : victims_) { sum += other->queues_[0].added() + other->queues_[1].added(); }
    return sum;
}

void task_worker::sleep() noexcept {
    idle_laps_ = 0;
    parks_.add();
    idling_.sleep();
}

void task_worker::poll_io(std::int64_t now) noexcept {
    if (!pool_.io_is_due(now) || !pool_.lead().take()) { return; }
    polls_.add();
    pool_.run_io(*this, false);
    idling_.give_lead();
}

task_lead& task_worker::lead() noexcept { return pool_.lead(); }
task_end& task_worker::end() noexcept { return pool_.end(); }
bool task_worker::is_over() noexcept { return pool_.is_over(); }
void task_worker::run_io() noexcept { pool_.run_io(*this, true); }
void task_worker::wake(std::uint32_t sleeper) noexcept { pool_.wake(node_, sleeper); }
void task_worker::hand_lead_on() noexcept { pool_.hand_lead_on(node_); }

}  // namespace numasio::hot_path
