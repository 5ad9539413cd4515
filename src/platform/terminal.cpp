// Asks the kernel whether standard error is a terminal.
#include "src/platform/terminal.hpp"

#include <unistd.h>

namespace numasio::platform {

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace numasio::platform
