// The bridge's life: open pools, start workers, stop them, say how they are.
#include <numasio/detail/bridge_core.hpp>

#include "control_plane/bridge/assembly.hpp"
#include "control_plane/bridge/control_threads.hpp"
#include "control_plane/bridge/executor_pools.hpp"
#include "control_plane/bridge/memory_check.hpp"
#include "control_plane/bridge/placement_news.hpp"
#include "control_plane/bridge/placement_watch.hpp"

#include <numasio/detail/lane_rows.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

namespace numasio::detail {
namespace {

using clock = std::chrono::steady_clock;

topology used_topology(const plan& asked, topology machine) {
    // More pretend nodes than CPUs: make_layout() refuses that with the plan's file and line.
    const bool possible = asked.simulate_nodes <= machine.allowed_cpus().size();
    return asked.simulate_nodes == 0 || !possible ? std::move(machine) : simulate_nodes(machine, asked.simulate_nodes);
}

clock::time_point deadline_in(std::chrono::nanoseconds wait) {
    const auto now = clock::now();
    return wait < clock::time_point::max() - now ? now + wait : clock::time_point::max();
}

}  // namespace

bridge_core::bridge_core(boost::asio::any_io_executor executor, boost::asio::execution_context* context, poster_factory posters, plan asked, topology machine)
    : executor_(std::move(executor)),
      posters_(std::move(posters)),
      plan_(std::move(asked)),
      machine_(used_topology(plan_, std::move(machine))),
      layout_(make_layout(plan_, machine_)),
      abandoned_(std::make_shared<std::atomic<std::uint64_t>>(0)),
      control_(std::make_shared<control_threads>(layout_.control, refuges_from(machine_, machine_.find(layout_.control.front())->node))),
      news_(std::make_shared<placement_news>(executor_)),
      generation_(fork_generation()),
      executors_(std::make_unique<executor_pools>()) {
    if (context != nullptr) {
        context_ = watch_end(*context, [this] { context_ends(); });
    }
}

bridge_core::~bridge_core() {
    if (context_) { context_->forget(); }
    if (fork_generation() != generation_) {
        leave_to_parent();
        return;
    }
    cut();
    for (auto& pool : pools_) { pool.core->release(); }
}

/// Nothing is posted from here on but what ends the requests that a worker keeps.
void bridge_core::cut() noexcept {
    stop(std::chrono::nanoseconds::zero());
    news_->close();
    for (auto& pool : pools_) {
        for (auto& worker : pool.workers) { worker->cut(); }
    }
}

void bridge_core::context_ends() noexcept {
    if (fork_generation() == generation_) { cut(); }  // a child's bridge posts nothing anyway
}

/// In a forked child: neither the workers are here nor whoever held a lock, and what they were about to do is never done. Nothing is waited for, and what
/// lay with them stays as it was: its end could want a lock of the executor's.
void bridge_core::leave_to_parent() noexcept {
    for (auto& worker : running_) { worker->leave(); }
    static_cast<void>(new auto(std::move(pools_)));
    static_cast<void>(new auto(std::move(ports_)));
    static_cast<void>(new auto(news_));
}

std::vector<node_id> bridge_core::nodes_of(std::string_view pool) const {
    std::vector<node_id> nodes;
    for (const auto& site : layout_.workers) {
        if (site.pool == pool) { nodes.push_back(site.node); }
    }
    return nodes;
}

std::shared_ptr<pool_core> bridge_core::open(std::string_view pool, std::unique_ptr<service_factory> factory) {
    const std::lock_guard lock(mutex_);
    const auto* asked = &pool_that(run_mode::service, pool);
    const auto name = std::string(pool);
    const bool twice = std::any_of(pools_.begin(), pools_.end(), [&](const auto& p) { return p.asked == asked; });
    if (twice) { throw boost::system::system_error(errc::already_open, "open " + name); }
    if (phase_ != phase::made) { throw boost::system::system_error(errc::already_started, "open " + name); }
    auto core = std::make_shared<pool_core>(name, executor_, nodes_of(pool));
    pools_.push_back({asked, std::move(factory), core, {}, {}});
    return core;
}

void bridge_core::fail_unknown(std::string_view pool) const {
    std::string pools;
    for (const auto& one : plan_.pools) { pools += (pools.empty() ? "" : ", ") + one.name; }
    throw boost::system::system_error(errc::unknown_pool, std::string(pool) + " (the plan's pools: " + pools + ")");
}

const pool_plan& bridge_core::pool_that(run_mode runs, std::string_view name) const {
    const auto* asked = plan_.find_pool(name);
    if (asked == nullptr) { fail_unknown(name); }
    if (asked->run != runs) {
        throw boost::system::system_error(errc::wrong_run, asked->name + " (run: " + std::string(to_string(asked->run)) + ", and not " + std::string(to_string(runs)) + ")");
    }
    return *asked;
}

/// Without the lock: who asks may be what a stop, which holds it, waits for. From the start on there are always the same pools.
template <class Find>
auto& bridge_core::started(std::string_view pool, Find find) const {
    auto* const found = phase_ == phase::made ? nullptr : find();
    if (found == nullptr) { throw boost::system::system_error(errc::not_started, std::string(pool)); }
    return *found;
}

node_pool& bridge_core::tasks(std::string_view pool) const {
    static_cast<void>(pool_that(run_mode::tasks, pool));
    return started(pool, [&] { return executors_->tasks(pool); });
}

void bridge_core::hook(std::string_view pool, pool_hooks hooks) {
    const std::lock_guard lock(mutex_);
    static_cast<void>(pool_that(run_mode::tasks, pool));
    if (phase_ != phase::made) { throw boost::system::system_error(errc::already_started, "hook " + std::string(pool)); }
    executors_->hook(pool, std::move(hooks));
}

reactor_pool& bridge_core::reactors(std::string_view pool) const {
    static_cast<void>(pool_that(run_mode::reactor, pool));
    return started(pool, [&] { return executors_->reactors(pool); });
}

invoker bridge_core::invoker_of(std::string_view pool, std::uint32_t worker) const {
    static_cast<void>(pool_that(run_mode::service, pool));
    const auto name = std::string(pool) + "/" + std::to_string(worker);
    if (phase_ == phase::made) { throw boost::system::system_error(errc::not_started, name); }  // without the lock, as tasks()
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const auto& p) { return p.asked->name == pool; });
    if (found == pools_.end() || found->drivers.empty()) { throw boost::system::system_error(errc::not_started, name); }
    if (worker >= found->drivers.size()) { throw boost::system::system_error(errc::no_worker, name); }
    if (found->drivers[worker] == nullptr) { throw boost::system::system_error(errc::not_driven, name); }
    return invoker(found->drivers[worker]);
}

void bridge_core::start() {
    const std::lock_guard lock(mutex_);
    const auto give_way = [this] {
        if (stopping_.load()) { throw boost::system::system_error(errc::stopped, "start"); }
    };
    give_way();
    if (phase_ != phase::made) { throw boost::system::system_error(errc::already_started, "start"); }
    check_opened();
    try {
        executors_->start(plan_, layout_, machine_);
        for (auto& pool : pools_) {
            give_way();
            launch(pool);
        }
        for (auto& worker : running_) { worker->wait_until_serving(); }
        give_way();
        for (auto& pool : pools_) { pool.core->prepare(pool.workers); }
        watch_ = std::make_unique<placement_watch>(layout_.control, [this](const auto& ends) { return look_after_threads(ends); });
    } catch (...) {
        stop_workers(clock::time_point::max());
        for (auto& pool : pools_) {
            pool.workers.clear();
            pool.drivers.clear();
        }
        running_.clear();
        executors_->clear();
        throw;
    }
    for (auto& pool : pools_) { pool.core->open(); }
    phase_ = phase::started;
}

void bridge_core::check() const {
    const std::lock_guard lock(mutex_);
    if (stopping_.load()) { throw boost::system::system_error(errc::stopped, "check"); }
    if (phase_ != phase::made) { throw boost::system::system_error(errc::already_started, "check"); }
    check_opened();
}

void bridge_core::check_opened() const {
    if (!machine_.cpus_are_real()) { throw boost::system::system_error(errc::not_this_machine, machine_.source); }
    std::vector<pool_memory> memory;
    for (const auto& asked : plan_.pools) {
        if (asked.run != run_mode::service) { continue; }
        const auto opened =
            std::find_if(pools_.begin(), pools_.end(), [&](const auto& p) { return p.asked == &asked; });
        if (opened == pools_.end()) {
            throw boost::system::system_error(errc::pool_not_served,
                                              asked.name + " (call open<...>(\"" + asked.name + "\") before)");
        }
        memory.push_back({&asked, lane_bytes_of(asked.lane, [&](std::uint32_t capacity) { return opened->factory->lane_footprint(capacity); })});
    }
    static_cast<void>(check_memory(plan_, layout_, machine_, memory));  // the placements tell what was done without
}

void bridge_core::launch(opened_pool& pool) {
    const auto workers = pool.core->workers();
    for (const auto& site : layout_.workers) {
        if (site.pool != pool.asked->name) { continue; }
        auto core = std::make_shared<worker_core>(site, posters_(), executor_, abandoned_);
        const auto& idle = pool.asked->idle;
        const bool worker_spins = idle.strategy == idle_strategy::spin_then_park || idle.strategy == idle_strategy::busy_spin;
        core->linger = worker_spins ? idle.spin : std::chrono::nanoseconds::zero();
        // Known to us before its thread exists: whatever fails from here on, the thread is told to leave.
        pool.workers.push_back(core);
        running_.reserve(running_.size() + 1);
        pool.drivers.reserve(workers);
        running_.push_back(launch_worker(std::move(core), *pool.asked, workers, machine_, pool.factory));
        pool.drivers.push_back(running_.back()->driver());
    }
}

std::chrono::nanoseconds bridge_core::look_after_threads(const std::atomic<std::uint32_t>& ends) noexcept try {
    const auto now = clock::now();
    if (now - looked_at_ < placement_watch::period - std::chrono::milliseconds(1)) { return executors_->look_for_stalls(); }
    looked_at_ = now;
    const auto tell = [this](const placement& changed) { news_->tell(changed); };
    for (auto& worker : running_) { worker->look_after(ends, tell); }
    executors_->look_after(tell);
    control_->look(tell);
    return executors_->look_for_stalls();
} catch (...) {
    return placement_watch::period;  // no memory to tell it with, or who is told of a stall throws: the next look goes on
}

void bridge_core::on_placement_change(std::function<void(const std::vector<placement>&)> told) {
    news_->subscribe(std::move(told));
}

stop_report bridge_core::stop(std::chrono::nanoseconds wait) {
    if (fork_generation() != generation_) { return {0, static_cast<std::uint32_t>(running_.size())}; }
    if (desk_of_this_thread != nullptr || reactor_of_this_thread != nullptr) {  // some bridge's
        const std::lock_guard lock(mutex_);
        if (executors_ && executors_->run_here()) { throw boost::system::system_error(errc::may_not_block, "bridge::stop() on a worker of one of its pools"); }
    }
    stopping_.store(true);  // before the lock, which a start under way holds: it gives up
    const std::lock_guard lock(mutex_);
    const auto deadline = deadline_in(wait);
    const bool runs = phase_ == phase::started;
    const auto left = runs ? executors_->stop(deadline) : 0;  // what they run may call services
    for (auto& pool : pools_) { pool.core->close(); }
    watch_.reset();
    if (runs) {
        report_ = stop_workers(deadline);
        report_.left = left;
    }
    phase_ = phase::stopped;
    return report_;
}

stop_report bridge_core::stop_workers(clock::time_point deadline) {
    for (auto& pool : pools_) {
        for (auto& worker : pool.workers) {
            // [close-2] Pairs with [close-1] in lane.hpp and [close-3] in the worker.
            worker->closing.store(true, std::memory_order_seq_cst);
            worker->ring();
            if (phase_ != phase::started) { continue; }  // its thread may be making the lanes
            for (const auto& l : worker->lanes) { l->stop_waiting(); }  // [close-5] Pairs with [close-4] in lane.hpp.
        }
    }
    stop_report report;
    bool late = false;
    for (auto& worker : running_) { late = !worker->join_until(deadline) || late; }
    if (late) {
        // Past the deadline: nothing starts any more, and what is queued behind a running call ends here.
        for (auto& pool : pools_) {
            for (auto& worker : pool.workers) {
                worker->serving.abort();
                for (const auto& l : worker->lanes) {
                    // Also what a worker that is stuck has served before: it told nobody yet.
                    if (l->stop_queued() != 0 || l->is_due()) { worker->completed_elsewhere(*l); }
                }
            }
        }
        constexpr auto grace = std::chrono::milliseconds(20);  // for workers that were between two calls
        const auto last = clock::now() + grace;
        for (auto& worker : running_) {
            if (worker->join_until(last)) { continue; }
            worker->leave();
            ++report.stuck;
        }
    }
    report.stopped = count_stopped();
    return report;
}

std::uint64_t bridge_core::count_stopped() const noexcept {
    std::uint64_t n = 0;
    for (const auto& pool : pools_) {
        for (const auto& worker : pool.workers) {
            for (const auto& l : worker->lanes) { n += l->counters.stopped.load(std::memory_order_relaxed); }
        }
    }
    return n;
}

void bridge_core::pin_control_thread() {
    if (!machine_.cpus_are_real()) { throw boost::system::system_error(errc::not_this_machine, machine_.source); }
    control_->pin_caller(std::any_of(plan_.pools.begin(), plan_.pools.end(),
                                     [](const pool_plan& pool) { return pool.enforce == enforcement::strict; }));
}

std::vector<placement> bridge_core::placements() const {
    auto all = control_->placements();
    if (phase_ == phase::made) { return all; }
    for (const auto& pool : pools_) {
        for (const auto& worker : pool.workers) {
            auto placed = worker->placements.all();
            all.insert(all.end(), placed.begin(), placed.end());
        }
    }
    executors_->add_placements(all);
    return all;
}

bridge_status bridge_core::status() const {
    bridge_status s;
    s.placements = placements();
    for (const auto& p : s.placements) {
        if (p.outcome == placement_outcome::degraded) { s.degraded.push_back(to_text(p)); }
    }
    s.accepting = phase_ == phase::started && !stopping_ && !draining_;
    s.draining = draining_ || stopping_;
    s.abandoned = abandoned_->load(std::memory_order_relaxed);
    s.numa_balancing = kernel_balancing();
    if (phase_ == phase::made) { return s; }
    for (const auto& pool : pools_) {
        s.pools.push_back({pool.core->name(), pool.core->refused()});
        for (const auto& worker : pool.workers) { s.workers.push_back(worker->status()); }
    }
    executors_->add_status(s);
    return s;
}

}  // namespace numasio::detail
