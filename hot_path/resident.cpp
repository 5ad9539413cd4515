// Building the service in its memory.
#include "hot_path/resident.hpp"

#include <boost/system/system_error.hpp>

#include <exception>
#include <new>
#include <string>

namespace numasio::hot_path {
namespace {

std::unique_ptr<detail::hosted_service> build_service(const worker_orders& orders, node_context& context) try {
    return orders.factory->make_service(context);
} catch (const std::exception& e) {
    const auto& site = orders.core->site;
    const bool memory = dynamic_cast<const std::bad_alloc*>(&e) != nullptr;
    std::throw_with_nested(boost::system::system_error(
        errc::service_failed, site.pool + "/" + std::to_string(site.index) + " on CPU " +
                                  std::to_string(site.cpu.value) + ": building the service: " + e.what() +
                                  (memory ? " (the pool's memory.per_worker may be too little)" : "")));
}

}  // namespace

resident::resident(const worker_orders& orders)
    : memory_(orders.core->service_memory.data()),
      context_(orders.core->site.node, orders.core->site.cpu, orders.core->site.index, orders.workers, memory_, memory_.limit()),
      service_(build_service(orders, context_)),
      loop_(*orders.core, *service_, memory_, orders.home_cpus, orders.idle) {
    orders.core->memory_used.store(memory_.used().value, std::memory_order_relaxed);
    orders.core->state.store(worker_state::running, std::memory_order_release);
}

}  // namespace numasio::hot_path
