// Makes the pools that the plan has run tasks or reactors, and stops them before the services that they may call.
#include "control_plane/bridge/executor_pools.hpp"

#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <exception>
#include <tuple>
#include <utility>

namespace numasio::detail {
namespace {

std::vector<worker_site> sites_of(const layout& all, const std::string& pool) {
    auto out = all.workers_of(pool);
    // As pools want them: a node's together.
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return std::tie(a.node, a.index) < std::tie(b.node, b.index); });
    return out;
}

template <class Pools>
auto* of_name(const Pools& pools, std::string_view name) noexcept {
    const auto found = std::find_if(pools.begin(), pools.end(), [&](const auto& p) { return p.name == name; });
    return found == pools.end() ? nullptr : found->pool.get();
}

std::chrono::nanoseconds until(std::chrono::steady_clock::time_point deadline) {
    if (deadline == std::chrono::steady_clock::time_point::max()) { return std::chrono::nanoseconds::max(); }
    return std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
}

constexpr std::chrono::nanoseconds after_a_failure = std::chrono::milliseconds(1);

[[noreturn]] void fail_in_hook(const worker_site& site, const std::string& why) {
    std::throw_with_nested(boost::system::system_error(
        errc::service_failed, site.pool + "/" + std::to_string(site.index) + " on CPU " + std::to_string(site.cpu.value) + ": hooks.starts: " + why));
}

/// What `starts` throws comes as what a service's constructor does: with the worker's name.
pool_hooks naming_the_worker(pool_hooks hooks) {
    if (!hooks.starts) { return hooks; }
    hooks.starts = [starts = std::move(hooks.starts)](const worker_site& site) {
        try {
            starts(site);
        } catch (const std::exception& e) {
            fail_in_hook(site, e.what());
        } catch (...) {
            fail_in_hook(site, "an exception that is no std::exception");
        }
    };
    return hooks;
}

}  // namespace

void executor_pools::start(const plan& asked, const layout& sites, const topology& machine) {
    try {
        for (const auto& pool : asked.pools) {
            if (pool.run == run_mode::tasks) {
                tasks_.push_back({pool.name, std::make_unique<node_pool>(pool, machine, sites_of(sites, pool.name), naming_the_worker(hooks_[pool.name]))});
            } else if (pool.run == run_mode::reactor) {
                reactors_.push_back({pool.name, std::make_unique<reactor_pool>(pool, machine, sites_of(sites, pool.name))});
            }
        }
    } catch (...) {
        clear();
        throw;
    }
}

void executor_pools::clear() noexcept {
    reactors_.clear();
    tasks_.clear();
}

node_pool* executor_pools::tasks(std::string_view name) const noexcept { return of_name(tasks_, name); }
reactor_pool* executor_pools::reactors(std::string_view name) const noexcept { return of_name(reactors_, name); }

std::uint64_t executor_pools::stop(std::chrono::steady_clock::time_point deadline) {
    std::uint64_t left = 0;
    // What comes from outside ends first: reactors serve it, and may hand work to tasks.
    for (auto& one : reactors_) { left += one.pool->stop(until(deadline)); }
    for (auto& one : tasks_) { left += one.pool->stop(until(deadline)); }
    return left;
}

bool executor_pools::run_here() const noexcept {
    const auto is_own = [](const auto& one) { return one.pool->runs_here(); };
    return std::any_of(tasks_.begin(), tasks_.end(), is_own) || std::any_of(reactors_.begin(), reactors_.end(), is_own);
}

void executor_pools::add_placements(std::vector<placement>& to) const {
    const auto add = [&](const auto& pools) {
        for (const auto& one : pools) {
            auto placed = one.pool->placements();
            to.insert(to.end(), std::make_move_iterator(placed.begin()), std::make_move_iterator(placed.end()));
        }
    };
    add(tasks_);
    add(reactors_);
}

void executor_pools::add_status(bridge_status& to) const {
    for (const auto& one : tasks_) { to.task_pools.push_back(one.pool->status()); }
    for (const auto& one : reactors_) { to.reactor_pools.push_back(one.pool->status()); }
}

template <class F>
void executor_pools::with_each(F f) noexcept {
    const auto with = [&](auto& one) {
        try {
            f(*one.pool);
        } catch (...) {}  // who is told throws, or there is no memory to tell it with: that pool's next look goes on
    };
    for (auto& one : tasks_) { with(one); }
    for (auto& one : reactors_) { with(one); }
}

std::chrono::nanoseconds executor_pools::look_for_stalls() noexcept {
    auto next = std::chrono::nanoseconds::max();
    with_each([&](auto& pool) {
        const auto others = std::exchange(next, std::min(next, after_a_failure));
        next = std::min(others, pool.look_for_stalls());
    });
    return next;
}

void executor_pools::look_after(const std::function<void(const placement&)>& tell) noexcept {
    with_each([&](auto& pool) { pool.look_after(tell); });
}

}  // namespace numasio::detail
