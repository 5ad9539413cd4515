// Devices as sysfs and /proc/irq show them. Private to src/.
#pragma once

#include <numasio/devices.hpp>

#include <string>
#include <vector>

namespace numasio::platform {

/// Every device with what its own files tell; virtual network devices name their lower ones and have no nodes yet.
/// Software has locality nowhere, hardware one_node or unknown.
/// Fails: throws std::bad_alloc only. `sys` and `proc` stand for /sys and /proc.
std::vector<device_info> read_devices(const std::string& sys = "/sys", const std::string& proc = "/proc");

}  // namespace numasio::platform
