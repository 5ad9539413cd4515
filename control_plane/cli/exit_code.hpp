// How numasioctl ends; the same for every subcommand.
#pragma once

#include <stdexcept>

namespace numasio::cli {

enum exit_code : int {
    done = 0,      ///< done, and the answer is good
    failed = 1,    ///< could not be done; stderr says why and what helps
    misused = 2,   ///< the command line was not understood
    answered_no = 3  ///< done, and the answer is no: a plan with problems, a probe without what placement needs, nothing measured
};

/// Could not be done; the text names the place and the remedy.
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace numasio::cli
