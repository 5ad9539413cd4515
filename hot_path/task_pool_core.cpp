// How a task pool is built, starts, and is destroyed.
#include "hot_path/task_pool_core.hpp"

#include "hot_path/memory_settler.hpp"
#include "hot_path/thread_settler.hpp"
#include "hot_path/worker_keepers.hpp"
#include "src/platform/linux_sched.hpp"
#include "src/platform/signal_mask.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>
#include <numasio/detail/thread_row.hpp>
#include <numasio/plan_limits.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

namespace numasio::hot_path {
namespace {

using detail::idle_workers;

/// A plan that was built in code may have what no file may: the nearest that may be.
pool_plan in_range(pool_plan asked) {
    const auto hold = [](std::uint32_t& value, const plan_range& range) { value = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(value, range.low, range.high)); };
    hold(asked.tasks.capacity, plan_limits::task_capacity);
    hold(asked.tasks.budget, plan_limits::task_budget);
    hold(asked.tasks.bulk_weight, plan_limits::bulk_weight);
    return asked;
}

}  // namespace

task_pool_core::task_pool_core(pool_plan asked, const topology& machine, std::vector<worker_site> sites, pool_hooks hooks)
    : plan_(in_range(std::move(asked))),
      machine_(machine),
      sites_(std::move(sites)),
      capacity_(std::bit_ceil(plan_.tasks.capacity)),
      hooks_(std::move(hooks)),
      bulk_weight_(plan_.tasks.bulk_weight),
      io_(std::make_unique<task_pool_context>()),
      io_work_(io_->get_executor()) {
    workers_ = static_cast<std::uint32_t>(sites_.size());
    ended_.store(workers_, std::memory_order_relaxed);  // none has begun
    std::map<node_id, std::uint32_t> count;
    for (const auto& site : sites_) { ++count[site.node]; }
    std::uint32_t first = 0;
    for (const auto& [id, n] : count) {
        if (n > detail::most_task_workers) { throw std::length_error(plan_.name + ": more workers on a node than a task pool can have"); }
        for (std::uint32_t place = first; place < first + n; ++place) { rooms_.push_back(make_room(sites_[place], place == first)); }
        nodes_.push_back(rooms_[first]->make<task_node>(id, first, n, capacity_));
        first += n;
    }
    for (const auto& node : nodes_) {
        for (std::uint32_t place = node->first; place < node->first + node->workers; ++place) {
            workers_of_.push_back(rooms_[place]->make<task_worker>(*this, *node, place, sites_[place]));
        }
    }
    for (auto& worker : workers_of_) {
        const auto* own = machine_.find(worker->site.cpu);
        std::vector<std::pair<int, std::uint32_t>> by_distance;
        for (auto& other : workers_of_) {
            if (other == worker || &other->node() != &worker->node()) { continue; }
            const auto* theirs = machine_.find(other->site.cpu);
            const int far = own == nullptr || theirs == nullptr || own->l3_group != theirs->l3_group ? 2 : own->core != theirs->core ? 1 : 0;
            by_distance.emplace_back(far, other->place_);
        }
        std::sort(by_distance.begin(), by_distance.end());
        std::vector<task_worker*> victims;
        for (const auto& [far, place] : by_distance) { victims.push_back(workers_of_[place].get()); }
        // Those that are equally near are not all asked by everybody in the same order.
        if (!victims.empty() && by_distance.front().first == by_distance.back().first) {
            std::rotate(victims.begin(), victims.begin() + worker->place_on_node() % static_cast<std::uint32_t>(victims.size()), victims.end());
        }
        worker->set_victims(std::move(victims));
    }
    const auto package_of = [&](const task_node& node) {
        const auto* cpu = machine_.find(sites_[node.first].cpu);
        return cpu == nullptr ? 0 : cpu->package;
    };
    for (const auto& node : nodes_) {
        std::vector<other_node> others;
        for (const auto& other : nodes_) {
            if (other == node || plan_.tasks.steal == steal_scope::node) { continue; }
            if (plan_.tasks.steal == steal_scope::package && package_of(*other) != package_of(*node)) { continue; }
            others.push_back({other.get(), machine_.distance(node->id, other->id).value_or(std::numeric_limits<std::uint8_t>::max())});
        }
        std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return std::tie(a.distance, a.node->first) < std::tie(b.distance, b.node->first); });
        abroad_.push_back(std::move(others));
    }
}

task_pool_core::~task_pool_core() {
    if (is_forked()) {  // a child: the threads are not here
        for (auto& thread : threads_) { thread.detach(); }
        static_cast<void>(new auto(std::move(workers_of_)));
        static_cast<void>(new auto(std::move(nodes_)));
        static_cast<void>(new auto(std::move(rooms_)));
        static_cast<void>(new auto(std::move(io_work_)));
        static_cast<void>(io_.release());  // whoever held a lock of the context's is not here to let go of it
        return;
    }
    must_not_be_on_a_worker("destroyed");
    stop();
    join();
    io_work_.reset();
    // A coroutine that waited for a timer is destroyed by a task, and its timer with it: both before the timers' service goes.
    for (int turn = 0; turn < 2; ++turn) {
        io_->destroy_operations();
        destroy_tasks();
    }
    io_.reset();
    destroy_tasks();
}

void task_pool_core::destroy_tasks() noexcept {
    const std::lock_guard lock(destroying_);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // [late-2] Pairs with [late-1]: this sees the task, or who has pushed it that the pool has ended
    do {
        for (auto& node : nodes_) { abandoned_.fetch_add(destroy_in(*node), std::memory_order_relaxed); }
        for (auto& worker : workers_of_) { abandoned_.fetch_add(worker->destroy_tasks(), std::memory_order_relaxed); }
    } while (has_queued());
}

/// Of workers that have left, and of nodes that all of them have: by one that waits for such a task, and cannot leave before.
void task_pool_core::destroy_left_behind() noexcept {
    const std::lock_guard lock(destroying_);
    const auto has_left = [](const auto& worker) { return worker->state.load(std::memory_order_acquire) == worker_state::stopped; };
    for (auto& node : nodes_) {
        const auto first = workers_of_.begin() + node->first;
        if (std::all_of(first, first + node->workers, has_left)) { abandoned_.fetch_add(destroy_in(*node), std::memory_order_relaxed); }
    }
    for (auto& worker : workers_of_) {
        if (has_left(worker)) { abandoned_.fetch_add(worker->destroy_tasks(), std::memory_order_relaxed); }
    }
}

std::uint64_t task_pool_core::destroy_in(task_node& node) noexcept {
    std::uint64_t n = 0;
    for (auto& intake : node.intakes) {
        // One by one: a task that is destroyed may wait for one behind it.
        while (intake.take(1, [](pool_task* task) { task->kind->end(task, false); }) != 0) { ++n; }
    }
    return n;
}

std::unique_ptr<task_room> task_pool_core::make_room(const worker_site& site, bool is_first) const {
    constexpr std::size_t edges = 4 * 64;
    const auto places = task_intake::bytes_for(capacity_);
    const auto size = sizeof(task_worker) + places + edges + (is_first ? sizeof(task_node) + 2 * places : 0);
    detail::placement_book placements;
    memory_settler steps(site, placements, plan_.enforce, machine_.origin, "; lower the pool's tasks.capacity or its workers");
    auto region = steps.bind(placement_subject::queue_memory, bytes{size}, memory_policy::bind);
    auto room = std::make_unique<task_room>(std::move(region), placements.all().front());
    if (room->placed.outcome == placement_outcome::honoured) {
        room->keeper.emplace(room->region, memory_policy::bind, std::vector{site.memory_node}, room->placed);
    }
    return room;
}

// --- start --------------------------------------------------------------------------------------------

void task_pool_core::start() {
    end_.begin(workers_);
    ended_.store(0, std::memory_order_relaxed);
    try {
        threads_.reserve(workers_of_.size());
        const platform::without_signals quiet;
        for (auto& worker : workers_of_) {
            const std::lock_guard lock(mutex_);
            threads_.emplace_back([this, self = worker.get()] { run_worker(*self); });
        }
    } catch (const std::bad_alloc&) {
        end_start();
        throw;
    } catch (const std::system_error& e) {
        const auto& site = sites_[threads_.size()];
        end_start();
        throw boost::system::system_error(errc::thread_refused, name_of(site) + " (" + e.what() +
                                                                    "); raise the limit on threads (ulimit -u, pids.max) or plan fewer workers");
    }
    wait_until_settled();
    std::exception_ptr failure;
    {
        const std::lock_guard lock(mutex_);
        failure = failure_;
    }
    if (failure) {
        stop();
        join();
        std::rethrow_exception(failure);
    }
}

/// Where not all threads could be made.
void task_pool_core::end_start() {
    for (std::size_t missing = threads_.size(); missing < workers_of_.size(); ++missing) {
        settled_.fetch_add(1, std::memory_order_release);
        ended_.fetch_add(1, std::memory_order_release);
    }
    stop();
    join();
}

void task_pool_core::wait_until_settled() {
    for (auto n = settled_.load(std::memory_order_acquire); n != workers_; n = settled_.load(std::memory_order_acquire)) {
        detail::futex_wait(settled_, n);
    }
}

void task_pool_core::settle(task_worker& worker) {
    thread_settler steps(worker.site, worker.placements, plan_.enforce, machine_.origin);
    steps.pin();
    steps.set_memory_policy();
    steps.give_row();
    steps.set_priority(plan_.realtime);
    name_this_thread(name_of(worker.site));
    detail::keep_blocks_of(detail::place_of_node(worker.site.node), memory_node_of(worker.site, machine_));
    worker.thread = platform::this_thread();
    worker.placements.replace(rooms_[worker.place_]->placed);
    worker.keeper.emplace(keeper_of_this_thread(worker.site, refuges_from(machine_, worker.site.node), worker.placements));
}

void task_pool_core::run_worker(task_worker& worker) noexcept {
    bool runs = true;
    try {
        settle(worker);
        if (hooks_.starts) { hooks_.starts(worker.site); }
        worker.state.store(worker_state::running, std::memory_order_release);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) { failure_ = std::current_exception(); }
        runs = false;
    }
    settled_.fetch_add(1, std::memory_order_release);
    detail::futex_wake_one(settled_);
    if (runs) {
        worker.run();
        try {
            if (hooks_.ends) { hooks_.ends(worker.site); }
        } catch (...) {
            worker.count_failure(std::current_exception());
        }
    }
    worker.state.store(worker_state::stopped, std::memory_order_release);
    detail::give_back_blocks();
    ended_.fetch_add(1, std::memory_order_release);
    detail::futex_wake_all(ended_);
}

}  // namespace numasio::hot_path
