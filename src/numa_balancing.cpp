// Reads the kernel's setting of NUMA balancing.
#include <numasio/numa_balancing.hpp>

#include "src/platform/memory_nodes.hpp"

namespace numasio {

numa_balancing_mode kernel_balancing() noexcept {
    const auto setting = platform::balancing_setting();
    if (!setting) { return numa_balancing_mode::unknown; }
    if (*setting == 0) { return numa_balancing_mode::off; }
    return (*setting & 1U) != 0 ? numa_balancing_mode::on : numa_balancing_mode::tiering;
}

std::string_view to_string(numa_balancing_mode mode) noexcept {
    switch (mode) {
        case numa_balancing_mode::unknown: return "unknown";
        case numa_balancing_mode::off: return "off";
        case numa_balancing_mode::on: return "on";
        case numa_balancing_mode::tiering: return "tiering";
    }
    return "unknown";
}

}  // namespace numasio
