// Where the calling thread runs: pin it, read it back, name it, give it a memory policy.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/plan.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace numasio {

/// Pins the calling thread to `cpus` and reads the mask back.
/// Threads: acts on the caller only. Blocks: one system call each way. Cost: microseconds.
/// Fails: the kernel's errno (EINVAL where none of the CPUs is usable); errc::pin_refused where the kernel
/// accepted the call but the mask read back is another one; invalid_argument for an empty set.
error_code pin_this_thread(std::span<const cpu_id> cpus) noexcept;

/// The calling thread's affinity mask as the kernel reports it, ascending; empty if it cannot be read.
/// Threads: any. Blocks: one system call. Fails: throws std::bad_alloc only. Cost: microseconds.
std::vector<cpu_id> this_thread_cpus();

/// The CPU that the calling thread runs on at this moment; stale as soon as an unpinned thread is moved.
/// Threads: any. Blocks: never. Fails: absent where the kernel does not say. Cost: no system call on x86-64 (vDSO).
std::optional<cpu_id> current_cpu() noexcept;

/// Gives the calling thread real-time priority (SCHED_FIFO, 1 … 99, higher runs first) and reads it back: it then runs until
/// it sleeps or a higher one wakes. A worker that never sleeps starves everything else on its CPU, the kernel's own threads
/// too; the kernel's brake (kernel.sched_rt_runtime_us) gives others 5 % by default. Threads that it starts are ordinary.
/// Threads: acts on the caller only. Blocks: two system calls. Cost: microseconds.
/// Fails: errc::realtime_refused where the process has neither CAP_SYS_NICE nor RLIMIT_RTPRIO (the kernel's EPERM), or the
/// thread is not what was asked for; otherwise the kernel's errno (EINVAL for a priority outside 1 … 99).
error_code set_this_thread_fifo(int priority) noexcept;

/// Makes the calling thread an ordinary one again (SCHED_OTHER).
/// Threads: acts on the caller only. Blocks: one system call. Fails: the kernel's errno. Cost: microseconds.
error_code set_this_thread_ordinary() noexcept;

/// The calling thread's priority if it is SCHED_FIFO. Threads: any. Blocks: one system call. Fails: absent where it is not, or
/// the kernel does not say. Cost: microseconds.
std::optional<int> this_thread_fifo() noexcept;

/// Names the calling thread for top, gdb and perf; longer names are cut to 15 bytes.
/// Threads: acts on the caller only. Blocks: one system call. Fails: the kernel's errno. Cost: microseconds.
error_code name_this_thread(std::string_view name) noexcept;

/// Sets the calling thread's default memory policy, so that plain allocations follow `node`
/// (`local` ignores `node`). Threads: acts on the caller only. Blocks: one system call. Cost: microseconds.
/// Fails: the kernel's errno (EPERM under a container's seccomp filter, EINVAL for a node without memory).
error_code set_this_thread_memory(node_id node, memory_policy policy) noexcept;

}  // namespace numasio
