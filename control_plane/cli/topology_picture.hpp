// The machine as a picture in text, for 80 columns.
#pragma once

#include <numasio/devices.hpp>
#include <numasio/topology.hpp>

#include <string>
#include <vector>

namespace numasio::cli {

/// Nodes with their CPUs, caches, memory, huge pages and devices, then the distances. `devices` are this machine's; none for
/// another one. Cost: linear in the machine, but for the distances.
std::string picture(const topology& machine, const std::vector<device_info>& devices);

}  // namespace numasio::cli
