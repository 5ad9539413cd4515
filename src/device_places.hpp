// Finds the nodes of virtual devices through their lower ones. Private to src/.
#pragma once

#include <numasio/devices.hpp>

#include <vector>

namespace numasio {

/// Gives each virtual network device the nodes of the hardware below it, and sorts by kind and name.
void place_virtual_devices(std::vector<device_info>& devices);

}  // namespace numasio
