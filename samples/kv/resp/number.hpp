// Integers as Redis reads them: no sign but '-', no leading zeros, no spaces, 64 bits.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kv::resp {

inline std::optional<std::int64_t> to_integer(std::string_view text) noexcept {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.empty()) { return std::nullopt; }
    // "0" is the only number that may begin with a zero; "-0" is none.
    if (digits.front() == '0' && text.size() > 1) { return std::nullopt; }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) { return std::nullopt; }
    return value;
}

/// Redis treats options as C strings: what follows a zero byte does not count.
inline std::string_view up_to_zero(std::string_view text) noexcept { return text.substr(0, text.find('\0')); }

inline char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Compares with a lower-case word, as strcasecmp() does.
inline bool is_word(std::string_view text, std::string_view lower) noexcept {
    text = up_to_zero(text);
    if (text.size() != lower.size()) { return false; }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (to_lower(text[i]) != lower[i]) { return false; }
    }
    return true;
}

}  // namespace kv::resp
