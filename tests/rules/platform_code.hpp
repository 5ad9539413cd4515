// Linux calls and processor-specific code outside src/platform.
#pragma once

#include "source_text.hpp"

namespace numasio::rules {

/// Every system header, system call, processor intrinsic or predefined platform macro outside src/platform
/// and the tests and benchmarks (which may look at the kernel from outside).
std::vector<violation> misplaced_platform_code(const tree& files);

}  // namespace numasio::rules
