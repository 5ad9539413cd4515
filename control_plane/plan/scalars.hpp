// The texts that single values are written in: numbers, amounts with a unit, fractions, endpoints.
#pragma once

#include "control_plane/plan/problem_list.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace numasio::detail {

// Each returns nothing and fills `what` and `suggestion` of `bad` where the text is something else.

/// Decimal digits only; 010, 0x10, 1e3, 1_000, +1 are refused, each with a hint.
std::optional<std::uint64_t> scan_whole(const std::string& text, complaint& bad);

/// Exact: "1.5ms" is 1,500,000; "0.3ns" is refused.
std::optional<std::uint64_t> scan_duration(const std::string& text, complaint& bad);
std::optional<std::uint64_t> scan_size(const std::string& text, complaint& bad);

/// Above 0 and below 1.
std::optional<double> scan_fraction(const std::string& text, complaint& bad);

struct scanned_endpoint {
    std::string address;  ///< in canonical form
    std::uint16_t port = 0;
};
std::optional<scanned_endpoint> scan_endpoint(const std::string& text, complaint& bad);

/// True for one digit or more and nothing else.
bool all_digits(std::string_view text) noexcept;

}  // namespace numasio::detail
