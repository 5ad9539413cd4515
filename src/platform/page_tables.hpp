// Large pages behind small ones, and the size of caches: what decides whether a measurement is one of memory. Private to src/.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace numasio::platform {

/// Share of the mappings that overlap `pages` which is on transparent huge pages, 0 … 1; absent where /proc does not say.
/// Blocks: the kernel walks the process's page tables. Fails: throws std::bad_alloc only.
std::optional<double> huge_share(std::span<const std::byte> pages);

/// The largest data cache of CPU 0 and of all that share it; absent where sysfs does not say.
std::optional<bytes> largest_cache(const std::string& cpus = "/sys/devices/system/cpu");

}  // namespace numasio::platform
