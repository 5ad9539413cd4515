// The scheduler calls for the calling thread: its CPUs, its name. Private to src/.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace numasio::platform {

/// Raw sched_setaffinity with a mask that is as long as the largest number needs.
error_code set_affinity(std::span<const cpu_id> cpus);
/// Raw sched_getaffinity; ascending.
error_code get_affinity(std::vector<cpu_id>& cpus);
std::optional<cpu_id> running_on() noexcept;
error_code set_thread_name(std::string_view name) noexcept;
/// False where sysfs is not mounted (some sandboxes), so that no topology can be read.
bool sysfs_shows_cpus() noexcept;

}  // namespace numasio::platform
