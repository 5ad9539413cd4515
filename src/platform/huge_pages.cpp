// Reads what sysfs tells of huge pages.
#include "src/platform/huge_pages.hpp"

#include "src/platform/number_in.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace numasio::platform {
namespace {

namespace fs = std::filesystem;

std::uint64_t number_or_0(const fs::path& file) { return number_in<std::uint64_t>(file).value_or(0); }

/// "hugepages-2048kB"
std::optional<bytes> page_size_of(const std::string& name) {
    constexpr std::string_view prefix = "hugepages-";
    if (name.compare(0, prefix.size(), prefix) != 0) { return std::nullopt; }
    std::uint64_t kib = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, kib);
    if (error != std::errc{} || std::string_view(rest, static_cast<std::size_t>(end - rest)) != "kB") { return std::nullopt; }
    return bytes{kib << 10};
}

}  // namespace

std::vector<huge_page_pool> huge_page_pools(node_id node, const std::string& nodes) {
    std::vector<huge_page_pool> pools;
    std::error_code unreadable;
    const fs::path folder = fs::path(nodes) / ("node" + std::to_string(node.value)) / "hugepages";
    for (fs::directory_iterator at(folder, unreadable), end; !unreadable && at != end; at.increment(unreadable)) {
        const auto size = page_size_of(at->path().filename().string());
        if (!size) { continue; }
        pools.push_back({*size, number_or_0(at->path() / "nr_hugepages"), number_or_0(at->path() / "free_hugepages")});
    }
    std::sort(pools.begin(), pools.end(), [](const auto& a, const auto& b) { return a.page < b.page; });
    return pools;
}

std::size_t transparent_page_size() {
    static const std::uint64_t told = number_or_0("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    return told != 0 ? static_cast<std::size_t>(told) : std::size_t{2} << 20;
}

bool transparent_pages_are_off(const std::string& setting) {
    std::ifstream in(setting);  // "always [madvise] never"
    std::string text;
    std::getline(in, text);
    return text.find("[never]") != std::string::npos;
}

}  // namespace numasio::platform
