// The seam between the planes, seen from the control plane: launch a worker, wait for it, join it.
#pragma once

#include <numasio/detail/service_factory.hpp>
#include <numasio/detail/worker_core.hpp>
#include <numasio/invoker.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace numasio::detail {

class running_worker {
public:
    virtual ~running_worker() = default;
    /// Blocks until the worker serves; throws what its start threw.
    virtual void wait_until_serving() = 0;
    /// Blocks until the thread has ended or `deadline`; false where it has not.
    virtual bool join_until(std::chrono::steady_clock::time_point deadline) noexcept = 0;
    /// Looks whether the worker and its memory still are where they were put, and puts them right; tells what changed, until `tell` once
    /// returned from it. Gives up soon after `ends` is no longer 0. Fails: as `tell` does; std::bad_alloc.
    virtual void look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell) = 0;
    /// The thread will not end in time: it keeps what it shares and goes its own way.
    virtual void leave() noexcept = 0;
    /// What runs it where the caller drives; null where it has a thread.
    virtual std::shared_ptr<driven> driver() const noexcept = 0;
};

/// Creates the thread; or settles and builds at once, on the calling thread, where the caller drives.
/// Fails: throws boost::system::system_error (errc::thread_refused behind the system's text; what the start throws).
std::unique_ptr<running_worker> launch_worker(std::shared_ptr<worker_core> core, const pool_plan& asked,
                                              std::uint32_t workers, const topology& machine,
                                              std::shared_ptr<const service_factory> factory);

}  // namespace numasio::detail
