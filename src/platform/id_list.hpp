// Reads the kernel's lists of CPU and node numbers ("0-3,8"). Private to src/.
#pragma once

#include <hwloc/bitmap.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace numasio::platform {

/// Ascending; absent where the text is no list or has no end.
template <class Id>
std::optional<std::vector<Id>> parse_list(const std::string& text) {
    const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> set(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
    if (set == nullptr) { throw std::bad_alloc(); }
    if (hwloc_bitmap_list_sscanf(set.get(), text.c_str()) != 0 || hwloc_bitmap_weight(set.get()) < 0) { return std::nullopt; }
    std::vector<Id> ids;
    for (int i = hwloc_bitmap_first(set.get()); i >= 0; i = hwloc_bitmap_next(set.get(), i)) {
        ids.push_back(Id{static_cast<std::uint32_t>(i)});
    }
    return ids;
}

/// The list in the first line of a file; absent where there is no such file.
template <class Id>
std::optional<std::vector<Id>> read_list(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line)) { return std::nullopt; }
    return parse_list<Id>(line);
}

}  // namespace numasio::platform
