// Devices as JSON.
#pragma once

#include <numasio/devices.hpp>

#include <boost/json/array.hpp>

#include <vector>

namespace numasio::cli {

/// One object for each device; what is not known is null.
boost::json::array device_documents(const std::vector<device_info>& devices, const topology& machine);

}  // namespace numasio::cli
