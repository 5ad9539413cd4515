// What a person reads when the program starts: machine, split, placements, memory.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <string>

namespace numasio::detail {

/// About 25 lines on a small machine; on a large one, workers are grouped by node and placements counted.
std::string banner(const snapshot& shown);

}  // namespace numasio::detail
