// What is asked of a risk book and what it answers: values without a heap, so that they cross threads cheaply.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace limits {

/// The name of an instrument: one to eight letters A to Z and digits.
class symbol_name {
public:
    symbol_name() = default;
    /// Nothing where `text` is no such name.
    static std::optional<symbol_name> from(std::string_view text) noexcept;
    std::string_view text() const noexcept { return {text_.data(), length_}; }
    friend bool operator==(const symbol_name& a, const symbol_name& b) noexcept { return a.text() == b.text(); }

private:
    std::array<char, 8> text_{};
    std::uint8_t length_ = 0;
};

/// Buys `quantity`, or sells it where it is negative; 0 asks for the position and changes nothing.
struct order {
    symbol_name symbol;
    std::int64_t quantity = 0;
    std::int64_t price = 0;  ///< in ticks
};

enum class outcome : std::uint8_t { accepted, unknown_symbol, price_out_of_band, quantity_too_large, position_limit };

struct verdict {
    outcome result = outcome::accepted;
    std::int64_t position = 0;  ///< after the order
};

}  // namespace limits
