// Does the kernel move pages between nodes by itself?
#pragma once

#include <string_view>

namespace numasio {

enum class numa_balancing_mode {
    unknown,  ///< the kernel does not say: built without it, or /proc is not there
    off,
    on,      ///< pages and threads follow each other; pages bound to one node stay
    tiering  ///< only between fast and slow memory
};

/// The setting of /proc/sys/kernel/numa_balancing. With it on, memory that is not bound wanders after the threads that use
/// it: faults that cost a hot worker time, and a page locality that changes by itself.
/// Threads: any. Blocks: reads one small file. Fails: never; what cannot be read is unknown. Cost: microseconds.
numa_balancing_mode kernel_balancing() noexcept;

std::string_view to_string(numa_balancing_mode mode) noexcept;

}  // namespace numasio
