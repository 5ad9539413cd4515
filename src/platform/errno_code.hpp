// The kernel's last answer as an error_code.
#pragma once

#include <numasio/errc.hpp>

#include <cerrno>

namespace numasio::platform {

inline error_code errno_code(int value) noexcept { return {value, boost::system::system_category()}; }
inline error_code last_error() noexcept { return errno_code(errno); }

}  // namespace numasio::platform
