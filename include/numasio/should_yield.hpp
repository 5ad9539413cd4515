// For long tasks: is it time to let others have the worker?
#pragma once

#include <numasio/detail/platform.hpp>
#include <numasio/detail/task_pool.hpp>

namespace numasio {

/// In a task of a node_pool: true from the moment on at which 100 us have passed since the task first asked. A task that then posts its rest, or whose coroutine
/// awaits asio::post(), keeps the others of its worker waiting no longer than that. Elsewhere false.
/// Threads: any. Blocks: never. Fails: never. Cost: a reading of the clock; so ask once for some microseconds' work.
inline bool should_yield() noexcept {
    auto* const desk = detail::desk_of_this_thread;
    if (desk == nullptr) { return false; }
    const auto now = detail::steady_ns();
    if (desk->slice_end == 0) { desk->slice_end = now + detail::task_slice_ns; }
    return now >= desk->slice_end;
}

}  // namespace numasio
