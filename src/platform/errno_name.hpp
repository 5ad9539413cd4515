// The name of an errno, as manual pages have it. Private to the house.
#pragma once

#include <string>

namespace numasio::platform {

/// "EPERM"; the number where it has none.
std::string errno_name(int value);

}  // namespace numasio::platform
