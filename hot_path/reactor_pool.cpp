// reactor_pool's calls, handed on.
#include <numasio/reactor_pool.hpp>

#include "hot_path/reactor_listeners.hpp"
#include "hot_path/reactor_pool_core.hpp"

#include <boost/system/system_error.hpp>

#include <string>

namespace numasio {

using boost::asio::ip::tcp;

reactor_pool::reactor_pool(pool_plan asked, const topology& machine, std::vector<worker_site> sites)
    : core_(std::make_unique<hot_path::reactor_pool_core>(std::move(asked), machine, std::move(sites))) {
    core_->start();
}

reactor_pool::~reactor_pool() = default;

reactor_pool::executor_type reactor_pool::on(std::uint32_t worker) const {
    if (worker >= workers()) { throw boost::system::system_error(errc::no_worker, core_->plan().name + "/" + std::to_string(worker)); }
    return executor_type(core_of(worker));
}

reactor_pool::executor_type reactor_pool::least_loaded() const noexcept { return executor_type(core_->group().least_loaded()); }

tcp::endpoint reactor_pool::listen(const tcp::endpoint& at, connection_handler handler) { return core_->listen(at, std::move(handler)); }
tcp::endpoint reactor_pool::accept_on(const boost::asio::any_io_executor& control, const tcp::endpoint& at, connection_handler handler, chooser choose) {
    return core_->accept_on(control, at, std::move(handler), std::move(choose));
}
void reactor_pool::stop_listening() { core_->stop_listening(); }
error_code reactor_pool::give(const executor_type& to, int socket, const tcp::endpoint& peer, std::shared_ptr<const connection_handler> handler) noexcept {
    return hot_path::give_connection(to.core(), socket, peer, std::move(handler));
}

void reactor_pool::stop() noexcept { core_->stop(); }
void reactor_pool::join() { core_->join(); }
std::uint64_t reactor_pool::stop(std::chrono::nanoseconds deadline) { return core_->stop_in(deadline); }

void reactor_pool::resize(std::uint32_t workers_per_node) noexcept { core_->resize(workers_per_node); }

std::uint32_t reactor_pool::workers() const noexcept { return static_cast<std::uint32_t>(core_->sites().size()); }
const std::vector<worker_site>& reactor_pool::sites() const noexcept { return core_->sites(); }
bool reactor_pool::runs_here() const noexcept { return core_->runs_here(); }
reactor_pool_status reactor_pool::status() const { return core_->status(); }
std::vector<placement> reactor_pool::placements() const { return core_->placements(); }
std::chrono::nanoseconds reactor_pool::look_for_stalls() { return core_->look_for_stalls(); }
void reactor_pool::on_stall(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal) {
    core_->stalls.tell(limit, std::move(told), trace_signal, core_->plan().name);
}
void reactor_pool::look_after(const std::function<void(const placement&)>& tell) { core_->look_after(tell); }

detail::reactor_core& reactor_pool::core_of(std::uint32_t worker) const noexcept { return *core_->group().cores[worker]; }

}  // namespace numasio
