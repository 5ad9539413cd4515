// Runs a worker from the caller's own loop: for pools whose idle strategy is caller_drives.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace numasio {

namespace detail {
/// The hot path's side of an invoker.
class driven {
public:
    virtual ~driven() = default;
    virtual std::size_t invoke() noexcept = 0;
    virtual void pin() = 0;
};
}  // namespace detail

/// A handle to one worker, which has no thread of its own: it serves when invoke() is called, and only then.
/// Thread safety: distinct objects safe, shared objects safe. Copies are the same worker. Lifetime: may outlive its bridge.
class invoker {
public:
    explicit invoker(std::shared_ptr<detail::driven> worker) noexcept : worker_(std::move(worker)) {}

    /// Serves what is there, at most 64 requests of each lane that has some, and sends the replies on their way.
    /// Returns how many requests that were: 0 says that there is nothing to do now, that another thread is at it (or this call
    /// comes from inside the service), or that the bridge was stopped.
    /// Threads: one at a time serves; each time perhaps another. Blocks: never, but as the service does. Fails: never.
    /// Cost: without work a few loads and an exchange of a word that is the driver's own.
    std::size_t invoke() noexcept { return worker_->invoke(); }

    /// Pins the calling thread to the worker's CPU and has its own allocations prefer the worker's node, as a worker's own thread does;
    /// the worker's placements tell what was got. The thread stays pinned; a CPU that is taken away later is not noticed.
    /// Threads: that which will call invoke(). Blocks: a few system calls. Fails: under strict enforcement throws
    /// boost::system::system_error with worker, call and errno; otherwise the placement is degraded and says why.
    void pin() { worker_->pin(); }

private:
    std::shared_ptr<detail::driven> worker_;
};

}  // namespace numasio
