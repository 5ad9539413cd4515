// Checks the bytes of a plan before any YAML reader sees them.
#pragma once

#include "control_plane/plan/problem_list.hpp"

#include <string_view>

namespace numasio::detail {

inline constexpr std::size_t largest_plan = std::size_t{1} << 20;
inline constexpr std::size_t most_brackets = 10'000;

/// Size, UTF-8, control characters, tabs in the indentation, number of brackets, the line break at the end.
/// Returns false where the text must not be parsed; a missing last line break is a problem, but parsed.
bool check_text(std::string_view text, problem_list& problems);

}  // namespace numasio::detail
