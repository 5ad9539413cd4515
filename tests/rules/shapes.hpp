// The shape of a file: its size, its first comment, and that no test of it is switched off.
#pragma once

#include "source_text.hpp"

namespace numasio::rules {

inline constexpr std::size_t longest_file = 600;

std::vector<violation> too_long(const tree& files);
/// Files whose first line is not a comment that says their job (a script's #! line aside).
std::vector<violation> without_a_first_comment(const tree& files);
/// Tests that are skipped or disabled: they pass without having run.
std::vector<violation> skipped_tests(const tree& files);

}  // namespace numasio::rules
