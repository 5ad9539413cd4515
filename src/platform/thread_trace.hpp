// Where another thread is: its stack, which it writes down itself in a signal's handler. Private to src/ and hot_path/.
#pragma once

#include "src/platform/linux_sched.hpp"

#include <numasio/errc.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace numasio::platform {

/// From now on `signal` is for traces, for the life of the process. Threads: any.
/// Fails: EINVAL for what is no real-time signal; EBUSY where the program has a handler for it, or ignores it.
error_code take_for_traces(int signal) noexcept;

/// What `thread`, of this process, is in, the innermost call first: "function+0x1c [program+0x4f21]", without the function where the program does not export its name.
/// Empty where it does not answer within `wait`: it blocks the signal, or the kernel does not let it run. A system call that it is in may return EINTR, where it is none that is begun anew.
/// Threads: any but `thread`; one at a time, the others wait. Blocks: until it has answered. Fails: std::bad_alloc.
std::vector<std::string> trace_of(kernel_thread thread, int signal, std::chrono::milliseconds wait);

}  // namespace numasio::platform
