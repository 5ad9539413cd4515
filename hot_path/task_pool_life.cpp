// What a task pool is told and what it tells: its end, pauses, the number of workers, its status, stalls.
#include "hot_path/task_pool_core.hpp"

#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace numasio::hot_path {

using detail::idle_workers;

// --- the end ------------------------------------------------------------------------------------------

/// Also what a thread that stopped half way into an inbox hides there.
bool task_pool_core::has_queued() const noexcept {
    return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n->intakes[0].size() != 0 || n->intakes[1].size() != 0; }) ||
           std::any_of(workers_of_.begin(), workers_of_.end(), [](const auto& w) { return w->has_queued() || w->own_intake().size() != 0; });
}

bool task_pool_core::is_over() noexcept {
    if (!end_.is_over([this] { return work_.is_none() && !has_queued(); })) { return false; }
    closed_.store(true, std::memory_order_relaxed);  // nobody would run it
    order_all(task_worker::leave);
    return true;
}

void task_pool_core::order_all(task_worker::order one) noexcept {
    for (auto& worker : workers_of_) {
        worker->give_order(one);
        // The order is published as a task for this worker would be.
        const auto sleeper = worker->node().idle.after_publishing_to(worker->place_on_node());
        if (sleeper != idle_workers::nobody) { wake(worker->node(), sleeper); }
    }
}

void task_pool_core::stop() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    order_all(task_worker::leave);
}

void task_pool_core::pause() noexcept {
    const std::lock_guard lock(orders_mutex_);
    end_.pause(true);
    order_all(task_worker::pause);
}

void task_pool_core::resume() noexcept {
    const std::lock_guard lock(orders_mutex_);
    end_.pause(false);
    for (auto& worker : workers_of_) {
        worker->take_back(task_worker::pause);
        const auto sleeper = worker->node().idle.after_publishing_to(worker->place_on_node());
        if (sleeper != idle_workers::nobody) { wake(worker->node(), sleeper); }
    }
}

void task_pool_core::resize(std::uint32_t workers_per_node) noexcept {
    const std::lock_guard lock(orders_mutex_);
    for (auto& worker : workers_of_) {
        const bool out = worker->place_on_node() >= std::max<std::uint32_t>(workers_per_node, 1);
        worker->node().idle.bench(worker->place_on_node(), out);
        out ? worker->give_order(task_worker::bench) : worker->take_back(task_worker::bench);
        const auto sleeper = worker->node().idle.after_publishing_to(worker->place_on_node());
        if (sleeper != idle_workers::nobody) { wake(worker->node(), sleeper); }
    }
}

/// A worker would wait for itself.
void task_pool_core::must_not_be_on_a_worker(const char* what) const {
    if (!is_forked() && runs_here()) { throw boost::system::system_error(errc::may_not_block, plan_.name + ": " + what + " on one of its own workers"); }
}

void task_pool_core::join() {
    must_not_be_on_a_worker("join()");
    join_until(std::chrono::steady_clock::time_point::max());
    if (!is_forked()) { destroy_tasks(); }
}

bool task_pool_core::join_until(std::chrono::steady_clock::time_point deadline) {
    if (is_forked()) { return true; }
    {
        const std::lock_guard lock(join_mutex_);
        if (joiners_++ == 0) { end_.join(true); }
    }
    // One wakes, finds that there is nothing, and is the last to fall asleep.
    for (auto& node : nodes_) {
        const auto sleeper = node->idle.after_publishing();
        if (sleeper != idle_workers::nobody) { wake(*node, sleeper); }
    }
    for (auto n = ended_.load(std::memory_order_acquire); n != workers_; n = ended_.load(std::memory_order_acquire)) {
        if (deadline == std::chrono::steady_clock::time_point::max()) {
            detail::futex_wait(ended_, n);
            continue;
        }
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= std::chrono::steady_clock::duration::zero()) {
            const std::lock_guard lock(join_mutex_);
            if (--joiners_ == 0) { end_.join(false); }
            return false;
        }
        detail::futex_wait_for(ended_, n, left);
    }
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(mutex_);
        threads.swap(threads_);
    }
    for (auto& thread : threads) { thread.join(); }
    // [work-2] A thread that has ended the last work may be about to ring still.
    while (!work_.is_told()) { std::this_thread::yield(); }
    return true;
}

std::uint64_t task_pool_core::stop_in(std::chrono::nanoseconds wait) {
    if (is_forked()) { return 0; }
    must_not_be_on_a_worker("stop(deadline)");
    closed_.store(true, std::memory_order_relaxed);
    const auto before = abandoned_.load(std::memory_order_relaxed);
    const auto now = std::chrono::steady_clock::now();
    bool late = false;
    if (!join_until(wait < std::chrono::steady_clock::time_point::max() - now ? now + wait : std::chrono::steady_clock::time_point::max())) {
        stop();
        join();
        late = true;
    }
    destroy_tasks();
    // Work that is tracked still: of what waits for timers and sockets.
    return abandoned_.load(std::memory_order_relaxed) - before + (late ? work_.count() : 0);
}

// --- how it is ----------------------------------------------------------------------------------------

task_pool_status task_pool_core::status() const {
    task_pool_status s;
    s.name = plan_.name;
    s.accepting = !closed_.load(std::memory_order_relaxed);
    s.paused = end_.is_paused();
    s.refused = refused_.load(std::memory_order_relaxed);
    s.abandoned = abandoned_.load(std::memory_order_relaxed);
    s.work = work_.count();
    for (const auto& node : nodes_) { s.queued += node->intakes[0].size() + node->intakes[1].size(); }
    for (const auto& worker : workers_of_) { s.workers.push_back(worker->status()); }
    s.placements = placements();
    return s;
}

std::vector<placement> task_pool_core::placements() const {
    std::vector<placement> all;
    for (const auto& worker : workers_of_) {
        auto placed = worker->placements.all();
        all.insert(all.end(), placed.begin(), placed.end());
    }
    return all;
}

void task_pool_core::look_after(const std::function<void(const placement&)>& tell) {
    if (is_forked()) { return; }
    for (auto& worker : workers_of_) {
        auto& room = *rooms_[worker->place_];
        static constexpr std::atomic<std::uint32_t> never{0};
        if (auto moved = room.keeper ? room.keeper->look(never) : std::nullopt) {
            worker->placements.replace(*moved);
            tell(*moved);
        }
        // A thread that has ended has no place, and its number may be another's.
        const std::lock_guard lock(mutex_);
        if (threads_.empty() || worker->state.load(std::memory_order_acquire) != worker_state::running) { continue; }
        auto found = worker->keeper->look();
        if (found.displaced) { worker->displacements.fetch_add(1, std::memory_order_relaxed); }
        if (!found.changed) { continue; }
        worker->placements.replace(*found.changed);
        tell(*found.changed);
    }
    static_cast<void>(look_for_stalls());
}

std::chrono::nanoseconds task_pool_core::look_for_stalls() {
    if (is_forked()) { return std::chrono::nanoseconds::max(); }
    return stalls.look([this](stall_teller::round& looks) {
        for (auto& worker : workers_of_) {
            const auto* const kind = worker->running();
            looks.look_at(worker->stalls, kind != nullptr, worker->ran(), worker->site, worker->thread,
                          [kind] { return task_name({nullptr, kind->name, kind->function}); });
        }
    });
}

}  // namespace numasio::hot_path
