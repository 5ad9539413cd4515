// The kernel's lists of numbers, "0-3,8". Private to src/.
#pragma once

#include <hwloc/bitmap.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace numasio::platform {

/// The numbers of `list` as strong ids, ascending; empty where it is none. Throws std::bad_alloc.
template <class Id>
std::vector<Id> parse_list(const std::string& list) {
    std::vector<Id> ids;
    const std::unique_ptr<hwloc_bitmap_s, void (*)(hwloc_bitmap_t)> set(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
    if (set == nullptr) { throw std::bad_alloc(); }
    const bool numbers = list.find_first_of("0123456789") != std::string::npos;
    if (!numbers || hwloc_bitmap_list_sscanf(set.get(), list.c_str()) != 0) { return ids; }
    if (hwloc_bitmap_last(set.get()) < 0) { return ids; }  // "3-": without an end
    for (int i = hwloc_bitmap_first(set.get()); i >= 0; i = hwloc_bitmap_next(set.get(), i)) {
        ids.push_back(Id{static_cast<std::uint32_t>(i)});
    }
    return ids;
}

}  // namespace numasio::platform
