// The state of the service: each instrument's limits and running position. Plain code for one thread at a time.
#pragma once

#include "limits/messages.hpp"

#include <functional>
#include <memory_resource>
#include <unordered_map>

namespace limits {

/// Thread safety: none; whoever owns a book calls it from one thread at a time.
class risk_book {
public:
    /// Knows the instruments ALFA to ZULU. All that it ever allocates comes from `memory`, here.
    explicit risk_book(std::pmr::memory_resource& memory);
    /// Moves the position where every limit allows the order; says why where one does not.
    verdict operator()(const order& asked) noexcept;

private:
    struct instrument {
        std::int64_t lowest_price = 0;
        std::int64_t highest_price = 0;
        std::int64_t position = 0;
    };
    struct hash {
        std::size_t operator()(const symbol_name& s) const noexcept { return std::hash<std::string_view>{}(s.text()); }
    };
    std::pmr::unordered_map<symbol_name, instrument, hash> instruments_;
};

}  // namespace limits
