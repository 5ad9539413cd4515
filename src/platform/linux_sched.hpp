// The scheduler calls: a thread's CPUs, its priority, its name. Private to src/ and hot_path/.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace numasio::platform {

/// The kernel's number of a thread; 0 stands for the caller.
struct kernel_thread {
    std::int32_t number = 0;
};
kernel_thread this_thread() noexcept;

/// Raw sched_setaffinity with a mask that is as long as the largest number needs.
error_code set_affinity(std::span<const cpu_id> cpus, kernel_thread thread = {});
/// Raw sched_getaffinity; ascending.
error_code get_affinity(std::vector<cpu_id>& cpus, kernel_thread thread = {});
/// True where the thread may run on all of `cpus` and on no other; absent where the kernel does not say. Allocates nothing.
std::optional<bool> is_pinned_to(std::span<const cpu_id> cpus, kernel_thread thread) noexcept;
/// False where the kernel says so; a CPU that cannot be taken offline has no such file and is online.
bool is_online(cpu_id cpu);
std::optional<cpu_id> running_on() noexcept;
/// SCHED_FIFO for the calling thread, not for those that it starts; SCHED_OTHER.
error_code set_fifo(int priority) noexcept;
error_code set_ordinary() noexcept;
/// The calling thread's SCHED_FIFO priority; 0 where it has another policy.
error_code get_fifo(int& priority) noexcept;
error_code set_thread_name(std::string_view name) noexcept;
/// False where sysfs is not mounted (some sandboxes), so that no topology can be read.
bool sysfs_shows_cpus() noexcept;
/// The CPUs that are running, and the nodes that have memory, as sysfs shows them; absent where it does not.
std::optional<std::vector<cpu_id>> online_cpus();
std::optional<std::vector<node_id>> nodes_with_memory();
/// The calling thread's mask as it was set, with the CPUs in it that are offline; absent without /proc.
std::optional<std::vector<cpu_id>> affinity_with_offline();

}  // namespace numasio::platform
