// Which kernel runs, for what older ones cannot do.
#pragma once

#include <sys/utsname.h>

#include <cstdlib>
#include <utility>

namespace numasio::test {

inline bool kernel_is_at_least(int major, int minor) {
    utsname name{};
    ::uname(&name);
    char* rest = nullptr;
    const long first = std::strtol(name.release, &rest, 10);
    const long second = std::strtol(rest + 1, nullptr, 10);
    return std::pair(first, second) >= std::pair<long, long>(major, minor);
}

}  // namespace numasio::test
