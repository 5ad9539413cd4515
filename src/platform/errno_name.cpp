// Asks the C library for the name of an errno.
#include "src/platform/errno_name.hpp"

#include <cstring>

namespace numasio::platform {

std::string errno_name(int value) {
    const char* const name = ::strerrorname_np(value);
    return name != nullptr ? name : std::to_string(value);
}

}  // namespace numasio::platform
