// Pins the calling thread and reads back what the kernel made of it.
#include <numasio/affinity.hpp>

#include "src/platform/errno_code.hpp"
#include "src/platform/memory_nodes.hpp"
#include "src/platform/linux_sched.hpp"

#include <algorithm>
#include <new>

namespace numasio {

error_code pin_this_thread(std::span<const cpu_id> cpus) noexcept try {
    if (const error_code refused = platform::set_affinity(cpus)) { return refused; }
    std::vector<cpu_id> asked(cpus.begin(), cpus.end());
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    // The kernel drops CPUs that are offline or outside the cpuset without a word: only the read-back tells.
    std::vector<cpu_id> got;
    if (const error_code unread = platform::get_affinity(got)) { return unread; }
    return got == asked ? error_code{} : make_error_code(errc::pin_refused);
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

std::vector<cpu_id> this_thread_cpus() {
    std::vector<cpu_id> cpus;
    if (platform::get_affinity(cpus)) { cpus.clear(); }
    return cpus;
}

std::optional<cpu_id> current_cpu() noexcept { return platform::running_on(); }

error_code set_this_thread_fifo(int priority) noexcept {
    const error_code refused = platform::set_fifo(priority);
    if (refused == platform::errno_code(EPERM)) { return errc::realtime_refused; }
    if (refused) { return refused; }
    int got = 0;
    if (const error_code unread = platform::get_fifo(got)) { return unread; }
    return got == priority ? error_code{} : make_error_code(errc::realtime_refused);
}

error_code set_this_thread_ordinary() noexcept { return platform::set_ordinary(); }

std::optional<int> this_thread_fifo() noexcept {
    int priority = 0;
    if (platform::get_fifo(priority) || priority == 0) { return std::nullopt; }
    return priority;
}

error_code name_this_thread(std::string_view name) noexcept { return platform::set_thread_name(name); }

error_code set_this_thread_memory(node_id node, memory_policy policy) noexcept try {
    return platform::set_thread_policy(node, policy);
} catch (const std::bad_alloc&) {
    return platform::errno_code(ENOMEM);
}

}  // namespace numasio
