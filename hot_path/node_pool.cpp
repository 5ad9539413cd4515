// node_pool's calls, handed on.
#include <numasio/node_pool.hpp>

#include "hot_path/site_check.hpp"
#include "hot_path/task_pool_core.hpp"

#include <numasio/affinity.hpp>
#include <numasio/devices.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <string>
#include <tuple>

namespace numasio {
namespace {

std::vector<worker_site> by_node(const pool_plan& asked, std::vector<worker_site> sites) {
    hot_path::check_sites(asked.name, sites);
    if (asked.idle.strategy == idle_strategy::caller_drives) {
        throw boost::system::system_error(make_error_code(boost::system::errc::operation_not_supported), asked.name + ": idle: caller_drives; its workers have threads of their own");
    }
    std::sort(sites.begin(), sites.end(), [](const auto& a, const auto& b) { return std::tie(a.node, a.index) < std::tie(b.node, b.index); });
    return sites;
}

std::unique_ptr<hot_path::task_pool_core> make_core(pool_plan asked, const topology& machine, std::vector<worker_site> sites, pool_hooks hooks) {
    auto sorted = by_node(asked, std::move(sites));
    return std::make_unique<hot_path::task_pool_core>(std::move(asked), machine, std::move(sorted), std::move(hooks));
}

detail::task_terms of_node(std::uint32_t place) noexcept { return {place, detail::task_home::node, detail::task_class::latency}; }

}  // namespace

node_pool::node_pool(pool_plan asked, const topology& machine, std::vector<worker_site> sites, pool_hooks hooks)
    : core_(make_core(std::move(asked), machine, std::move(sites), std::move(hooks))), pool_(core_.get()) {
    if (!machine.cpus_are_real()) { throw boost::system::system_error(errc::not_this_machine, machine.source); }
    core_->start();
}

node_pool::~node_pool() = default;

node_pool::executor_type node_pool::on(node_id node) const {
    for (std::uint32_t place = 0; place < core_->nodes(); ++place) {
        if (core_->node(place).id == node) { return {*pool_, of_node(place)}; }
    }
    throw boost::system::system_error(errc::no_worker, core_->plan().name + " on node " + std::to_string(node.value));
}

node_pool::executor_type node_pool::on(std::uint32_t worker) const {
    if (worker >= workers()) { throw boost::system::system_error(errc::no_worker, core_->plan().name + "/" + std::to_string(worker)); }
    return on_worker(worker);
}

node_pool::executor_type node_pool::here() const noexcept {
    if (pool_->runs_here()) { return on_worker(detail::desk_of_this_thread->worker); }
    const auto cpu = current_cpu();
    const auto* found = cpu ? core_->machine().find(*cpu) : nullptr;
    if (found == nullptr) { return get_executor(); }
    for (std::uint32_t place = 0; place < core_->nodes(); ++place) {
        if (core_->node(place).id == found->node) { return {*pool_, of_node(place)}; }
    }
    return get_executor();
}

node_pool::executor_type node_pool::nearest(node_id node) const noexcept { return nearest_to(std::span(&node, 1)); }

node_pool::executor_type node_pool::nearest(const device_info& device) const noexcept {
    return device.nodes.empty() ? get_executor() : nearest_to(device.nodes);
}

node_pool::executor_type node_pool::nearest_to(std::span<const node_id> nodes) const noexcept {
    constexpr std::uint32_t farthest = ~std::uint32_t{0};
    const auto distance = [&](std::uint32_t place) {
        const auto id = core_->node(place).id;
        auto least = farthest;
        for (const auto node : nodes) { least = std::min<std::uint32_t>(least, id == node ? 0 : core_->machine().distance(node, id).value_or(farthest)); }
        return least;
    };
    std::uint32_t best = 0;
    for (std::uint32_t place = 1; place < core_->nodes(); ++place) {
        if (distance(place) < distance(best)) { best = place; }
    }
    return {*pool_, of_node(best)};
}

void node_pool::stop() noexcept { core_->stop(); }
void node_pool::join() { core_->join(); }
std::uint64_t node_pool::stop(std::chrono::nanoseconds deadline) { return core_->stop_in(deadline); }
void node_pool::pause() noexcept { core_->pause(); }
void node_pool::resume() noexcept { core_->resume(); }
void node_pool::resize(std::uint32_t workers_per_node) noexcept { core_->resize(workers_per_node); }
void node_pool::set_bulk_weight(std::uint32_t weight) noexcept { core_->set_bulk_weight(weight); }
void node_pool::on_stall(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal) {
    core_->stalls.tell(limit, std::move(told), trace_signal, core_->plan().name);
}
void node_pool::notify_fork(boost::asio::execution_context::fork_event event) { core_->notify_fork(event); }
const std::vector<worker_site>& node_pool::sites() const noexcept { return core_->sites(); }
task_pool_status node_pool::status() const { return core_->status(); }
std::vector<placement> node_pool::placements() const { return core_->placements(); }
std::chrono::nanoseconds node_pool::look_for_stalls() { return core_->look_for_stalls(); }
void node_pool::look_after(const std::function<void(const placement&)>& tell) { core_->look_after(tell); }

}  // namespace numasio
