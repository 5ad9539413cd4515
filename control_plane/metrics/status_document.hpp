// The status document (JSON) of a snapshot; docs/status.md describes its shape.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <string>

namespace numasio::detail {

std::string status_json(const snapshot& shown);

}  // namespace numasio::detail
