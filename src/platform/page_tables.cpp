// Reads smaps and the caches' sizes.
#include "src/platform/page_tables.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace numasio::platform {

std::optional<double> huge_share(std::span<const std::byte> pages) {
    std::ifstream smaps("/proc/self/smaps");
    const auto first = reinterpret_cast<std::uintptr_t>(pages.data());
    const auto last = first + pages.size();
    bool ours = false;
    std::uint64_t resident = 0;
    std::uint64_t huge = 0;
    for (std::string line; std::getline(smaps, line);) {
        unsigned long start = 0;
        unsigned long end = 0;
        unsigned long kib = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) { ours = start < last && end > first; }
        if (!ours) { continue; }
        if (std::sscanf(line.c_str(), "Rss: %lu kB", &kib) == 1) { resident += kib; }
        if (std::sscanf(line.c_str(), "AnonHugePages: %lu kB", &kib) == 1) { huge += kib; }
    }
    if (resident == 0) { return std::nullopt; }
    return static_cast<double>(huge) / static_cast<double>(resident);
}

std::optional<bytes> largest_cache(const std::string& cpus) {
    std::optional<bytes> largest;
    for (int index = 0; index < 8; ++index) {
        const auto folder = std::filesystem::path(cpus) / "cpu0/cache" / ("index" + std::to_string(index));
        std::ifstream in(folder / "size");
        std::uint64_t kib = 0;
        char unit = 0;
        if (in >> kib >> unit && unit == 'K') { largest = std::max(largest.value_or(bytes{0}), bytes{kib << 10}); }
    }
    return largest;
}

}  // namespace numasio::platform
