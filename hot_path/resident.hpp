// What lives on a worker: its service, the service's memory, the loop that serves it.
#pragma once

#include "hot_path/serving_loop.hpp"
#include "hot_path/worker.hpp"

#include <memory>

namespace numasio::hot_path {

/// Threads: one at a time, that which serves. Lifetime: `orders` and their core outlive it.
class resident {
public:
    /// After settle_memory(): builds the service and says that the worker runs.
    /// Fails: what the service's constructor throws, nested in errc::service_failed with the worker's name.
    explicit resident(const worker_orders& orders);

    serving_loop& loop() noexcept { return loop_; }
    /// The calling thread serves from now on: what the service frees here is room again at once.
    void move_here() noexcept { memory_.own(); }

private:
    node_memory memory_;
    node_context context_;
    std::unique_ptr<detail::hosted_service> service_;
    serving_loop loop_;
};

}  // namespace numasio::hot_path
