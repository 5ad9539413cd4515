// Numbers as Redis reads them: integers of 64 bits, without '+', leading zeros or spaces; floats as strtold() has them.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
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

/// The longest text of a float: Redis's bound, which has room for the largest with seventeen digits behind the point.
inline constexpr std::size_t float_text_bytes = 5 * 1024;

/// INCRBYFLOAT's numbers: what strtold() takes, hexadecimal ones and "inf" too, without a space before or anything behind.
inline std::optional<long double> to_float(std::string_view text) noexcept {
    std::array<char, float_text_bytes> copy;
    if (text.empty() || text.size() >= copy.size()) { return std::nullopt; }
    copy[text.copy(copy.data(), copy.size())] = '\0';
    if (copy[0] == ' ' || (copy[0] >= '\t' && copy[0] <= '\r')) { return std::nullopt; }
    errno = 0;
    char* end = nullptr;
    const long double value = std::strtold(copy.data(), &end);
    if (end != copy.data() + text.size() || std::isnan(value)) { return std::nullopt; }
    // Too large, or too small to be told from zero.
    if (errno == ERANGE && (std::isinf(value) || value == 0.0L)) { return std::nullopt; }
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
