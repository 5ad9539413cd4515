// Who may include whom: the house's table as data, and the check of a tree against it.
#pragma once

#include "source_text.hpp"

namespace numasio::rules {

/// The one file in which control plane and hot path meet.
inline constexpr std::string_view assembly_file = "control_plane/bridge/assembly.cpp";

/// Every include that goes in a direction that the table does not allow.
std::vector<violation> wrong_directions(const tree& files);

/// Number of include lines that wrong_directions() looks at; a check that sees none proves nothing.
std::size_t count_includes(const tree& files);

}  // namespace numasio::rules
