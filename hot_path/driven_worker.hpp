// A worker without a thread: the caller's loop runs it, and a stop finishes it on its own thread.
#pragma once

#include "hot_path/resident.hpp"
#include "hot_path/worker_keepers.hpp"

#include <numasio/invoker.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

namespace numasio::hot_path {

/// Threads: invoke() and pin() the caller's, the rest the bridge's. Who serves holds `held_`, so that a stop takes over between two turns.
class driven_worker final : public detail::driven {
public:
    /// Settles the memory and builds the service, on the calling thread. Fails: as both do.
    explicit driven_worker(worker_orders orders);

    std::size_t invoke() noexcept override;
    void pin() override;

    /// After the intake was closed: serves what is left until `deadline`, then refuses it, and destroys the service. False where
    /// a turn of the caller's is still under way at the deadline.
    bool finish_until(std::chrono::steady_clock::time_point deadline) noexcept;
    /// As worker::look_after().
    void look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell);
    void leave() noexcept;

private:
    class turn;  // the right to serve, for a scope

    const worker_orders orders_;
    worker_keepers keepers_;
    std::atomic<bool> held_{false};
    std::optional<resident> here_;  // by who holds; absent once finished
};

}  // namespace numasio::hot_path
