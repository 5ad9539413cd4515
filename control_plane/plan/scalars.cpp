// The texts that single values are written in: numbers, amounts with a unit, fractions.
#include "control_plane/plan/scalars.hpp"

#include "control_plane/plan/nearest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

namespace numasio::detail {
namespace {

__extension__ typedef unsigned __int128 wide;  // an amount times its unit never overflows it

constexpr std::size_t most_digits = 19;  // 10^19 - 1 fits 64 bits

using unit = std::pair<std::string_view, std::uint64_t>;
constexpr std::array<unit, 4> time_units = {{{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}}};
constexpr std::array<unit, 5> size_units = {{{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30},
                                             {"TiB", 1ULL << 40}}};

std::string_view leading_digits(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') { ++n; }
    return text.substr(0, n);
}

bool zero_led(std::string_view digits) { return digits.size() > 1 && digits.front() == '0'; }

std::string without_zeros(std::string_view digits) {
    const auto first = digits.find_first_not_of('0');
    return std::string(first == std::string_view::npos ? digits.substr(0, 1) : digits.substr(first));
}

void leading_zero(const std::string& text, std::string_view digits, complaint& bad) {
    bad.what = quoted(text) + " has a leading zero, which some YAML readers take for octal";
    bad.suggestion = "write " + without_zeros(digits) + text.substr(digits.size());
}

std::uint64_t number(std::string_view digits) {
    std::uint64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

/// The unit that a wrong one was meant to be: "MB" → "MiB", "sec" → "s"; minutes are not guessed.
std::string_view meant_unit(std::string_view wrong, std::span<const unit> units) {
    if (wrong.empty() || wrong == "m" || wrong.substr(0, 3) == "min") { return {}; }
    if (wrong == "µs" || wrong == "μs") { return units.front().first == "ns" ? "us" : ""; }
    for (const auto& [name, factor] : units) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        if (lower(wrong.front()) == lower(name.front()) && wrong.size() <= 12) { return name; }
    }
    return {};
}

std::optional<std::uint64_t> scan_amount(const std::string& text, std::span<const unit> units, const char* kind,
                                         complaint& bad) {
    const std::string_view all = text;
    const auto digits = leading_digits(all);
    if (digits.empty()) {
        bad.what = quoted(text) + " is not a " + kind;
        return std::nullopt;
    }
    auto rest = all.substr(digits.size());
    std::string_view decimals;
    if (!rest.empty() && rest.front() == '.') {
        decimals = leading_digits(rest.substr(1));
        rest.remove_prefix(1 + decimals.size());
        if (decimals.empty()) {
            bad.what = quoted(text) + " is not a " + kind;
            return std::nullopt;
        }
    }
    if (zero_led(digits)) {
        leading_zero(text, digits, bad);
        return std::nullopt;
    }
    const auto found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.first == rest; });
    if (found == units.end()) {
        const auto name = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
        const bool known = std::any_of(units.begin(), units.end(), [&](const unit& u) { return u.first == name; });
        const auto meant = known ? name : meant_unit(name, units);
        bad.what = name.empty() ? quoted(text) + " has no unit"
                                : quoted(text) + (known ? " has a space before its unit" : " has no known unit");
        if (!meant.empty()) {
            bad.suggestion = did_you_mean(std::string(all.substr(0, all.size() - rest.size())) + std::string(meant));
        } else if (all == "0") {
            bad.suggestion = did_you_mean("0" + std::string(units.front().first));
        }
        return std::nullopt;
    }
    constexpr auto too_much = std::numeric_limits<std::uint64_t>::max();
    if (digits.size() > most_digits) { return too_much; }  // out of every range
    while (!decimals.empty() && decimals.back() == '0') { decimals.remove_suffix(1); }
    wide scale = 1;
    for (std::size_t i = 0; i < decimals.size() && i < most_digits; ++i) { scale *= 10; }
    const wide part = wide{number(decimals.substr(0, most_digits))} * found->second;
    if (decimals.size() > most_digits || part % scale != 0) {
        bad.what = quoted(text) + " is not a whole number of " + std::string(units.front().first);
        return std::nullopt;
    }
    const wide amount = wide{number(digits)} * found->second + part / scale;
    return amount > too_much ? too_much : static_cast<std::uint64_t>(amount);
}

/// "99", "99.9", "99%", "p99", ".99" → "0.99…"; nothing else.
std::string meant_fraction(std::string_view text) {
    if (!text.empty() && text.front() == 'p') { text.remove_prefix(1); }
    if (!text.empty() && text.back() == '%') { text.remove_suffix(1); }
    if (text.size() > 12) { return {}; }
    if (text.size() > 1 && text.front() == '.' && all_digits(text.substr(1))) { return "0" + std::string(text); }
    const auto whole = leading_digits(text);
    const auto rest = text.substr(whole.size());
    if (whole.size() < 2 || whole.front() == '0' || whole.front() == '1') { return {}; }
    if (rest.empty()) { return "0." + std::string(whole); }
    if (rest.front() != '.' || !all_digits(rest.substr(1))) { return {}; }
    return "0." + std::string(whole) + std::string(rest.substr(1));
}

}  // namespace

bool all_digits(std::string_view text) noexcept {
    return !text.empty() && leading_digits(text).size() == text.size();
}

std::optional<std::uint64_t> scan_whole(const std::string& text, complaint& bad) {
    if (!all_digits(text)) {
        bad.what = quoted(text) + " is not a whole number";
        std::string bare;  // 1_000, 1,000 and +5 say which number is meant
        for (const char c : text) {
            if (c != '_' && c != ',' && c != '+') { bare += c; }
        }
        if (all_digits(bare) && bare.size() <= most_digits) { bad.suggestion = "write " + without_zeros(bare); }
        return std::nullopt;
    }
    if (zero_led(text)) {
        leading_zero(text, text, bad);
        return std::nullopt;
    }
    return text.size() > most_digits ? std::numeric_limits<std::uint64_t>::max() : number(text);
}

std::optional<std::uint64_t> scan_duration(const std::string& text, complaint& bad) {
    return scan_amount(text, time_units, "duration", bad);
}

std::optional<std::uint64_t> scan_size(const std::string& text, complaint& bad) {
    return scan_amount(text, size_units, "size", bad);
}

std::optional<double> scan_fraction(const std::string& text, complaint& bad) {
    const auto whole = leading_digits(text);
    const auto rest = std::string_view(text).substr(whole.size());
    const bool decimal = !whole.empty() && (rest.empty() || (rest.front() == '.' && all_digits(rest.substr(1))));
    double fraction = -1;
    if (decimal) { std::from_chars(text.data(), text.data() + text.size(), fraction, std::chars_format::fixed); }
    if (fraction > 0 && fraction < 1 && !zero_led(whole)) { return fraction; }
    bad.what = quoted(text) + (decimal ? " is out of range" : " is not a decimal number");
    bad.suggestion = did_you_mean(meant_fraction(text));
    return std::nullopt;
}

}  // namespace numasio::detail
