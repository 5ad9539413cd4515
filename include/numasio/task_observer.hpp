// Who wants to see each task of a node_pool: when it is queued, begins and ends; and what workers do when they start and end.
#pragma once

#include <numasio/layout.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <typeinfo>
#include <vector>

namespace numasio {

/// One task, at one moment.
struct task_event {
    const void* id = nullptr;       ///< the same at each of its moments; another task's once it has ended
    const char* name = nullptr;     ///< the function type's `task_name`, or null; see task_name()
    const std::type_info* function = nullptr;
};
/// The event's name, or its function's type in full. Threads: any. Cost: text. Fails: std::bad_alloc.
std::string task_name(const task_event& of);

/// Called on the threads that do what it is told of. Threads: several at once. None of its members may throw, wait, or post to the pool.
/// What nobody observes costs a worker's own tasks nothing; those from outside one comparison.
class task_observer {
public:
    virtual ~task_observer() = default;
    /// About to be queued, by any thread.
    virtual void enqueued(const task_event&) noexcept {}
    /// It was not: there was no room, or the pool has stopped. Of a task that is queued and then destroyed with its pool nothing more is told.
    virtual void refused(const task_event&) noexcept {}
    /// On the worker: about to run it, and it has returned, or thrown.
    virtual void started(const task_event&, const worker_site&) noexcept {}
    virtual void ended(const task_event&, const worker_site&, bool /*failed*/) noexcept {}
};

/// What a node_pool calls beside its tasks. Lifetime: the observer outlives the pool.
struct pool_hooks {
    std::function<void(const worker_site&)> starts{};  ///< on each worker, settled, before its first task; what it throws fails the pool's start
    std::function<void(const worker_site&)> ends{};    ///< on each worker that has started, after its last; what it throws is counted as a task's failure
    task_observer* observer = nullptr;
};

/// A worker of a node_pool that has been in one task for long, or of a reactor_pool in one handler.
struct task_stall {
    worker_site site;
    std::string task;                          ///< as task_name() has it; "a handler" of a reactor
    std::chrono::nanoseconds lasting{0};       ///< at least
    /// What it is in, the innermost call first: "function+0x1c [program+0x4f21]"; empty where nobody asked for it, or it did not answer. Functions have names where their file exports
    /// them: shared libraries do, a program that is linked with -rdynamic (CMake: set_target_properties(it PROPERTIES ENABLE_EXPORTS ON)) does, but for those that are static or in an unnamed
    /// namespace. The others are "[program+0x4f21]": `addr2line -Cfe program 0x4f21` names them, of a position-independent program.
    std::vector<std::string> trace{};
};

}  // namespace numasio
