// How values of a plan, and what is expected of them, are said to people: for YAML and for code alike.
#include "control_plane/bridge/value_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

namespace numasio::detail {
namespace {

using unit = std::pair<std::uint64_t, std::string_view>;
constexpr std::array<unit, 4> durations = {{{1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}, {1, "ns"}}};
constexpr std::array<unit, 5> sizes = {{{std::uint64_t{1} << 40, "TiB"}, {std::uint64_t{1} << 30, "GiB"},
                                        {std::uint64_t{1} << 20, "MiB"}, {std::uint64_t{1} << 10, "KiB"}, {1, "B"}}};

using example = std::pair<std::uint64_t, std::string_view>;
constexpr std::array<example, 3> duration_examples = {{{20'000, "20us"}, {1'500'000, "1.5ms"},
                                                       {5'000'000'000, "5s"}}};
constexpr std::array<example, 3> size_examples = {{{std::uint64_t{512} << 10, "512KiB"},
                                                   {std::uint64_t{256} << 20, "256MiB"},
                                                   {std::uint64_t{1536} << 20, "1.5GiB"}}};

std::string in_largest(std::uint64_t amount, std::span<const unit> units) {
    constexpr std::uint64_t hard_to_read = 100'000;
    const auto exact = std::find_if(units.begin(), units.end(), [&](const unit& u) { return amount % u.first == 0; });
    const auto text = std::to_string(amount / exact->first) + std::string(exact->second);
    const auto about = std::find_if(units.begin(), units.end(), [&](const unit& u) { return amount >= u.first; });
    if (amount / exact->first < hard_to_read || about == exact) { return text; }
    const auto rest = amount % about->first;
    return std::to_string(amount / about->first) + "." + std::to_string(rest / (about->first / 10 + 1)) +
           std::string(about->second) + " (" + text + ")";
}

std::string expected(std::string kind, plan_range range, std::string (*text)(std::uint64_t),
                     std::span<const example> examples) {
    std::vector<std::string_view> fit;
    for (const auto& [amount, written] : examples) {
        if (range.holds(amount)) { fit.push_back(written); }
    }
    std::string out = std::move(kind) + " from " + text(range.low) + " to " + text(range.high);
    for (std::size_t i = 0; i < fit.size(); ++i) {
        out += i == 0 ? ", as " : i + 1 == fit.size() ? " or " : ", ";
        out += fit[i];
    }
    return out;
}

}  // namespace

std::string quoted(const std::string& text) {
    constexpr std::size_t longest = 40;
    std::size_t end = std::min(text.size(), longest);
    // Never cut inside a UTF-8 sequence: back to the start of the character.
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) { --end; }
    std::string out = "\"";
    for (const char c : text.substr(0, end)) {
        const auto code = static_cast<unsigned char>(c);
        out += code < 0x20 || code == 0x7F ? '?' : c;
    }
    return out + (end < text.size() ? "…\"" : "\"");
}

bool is_plan_name(std::string_view name) noexcept {
    constexpr std::size_t longest = 32;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= longest && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), inner);
}

std::string plan_key(const std::string& path, const std::string& name) {
    const std::string shown = is_plan_name(name) ? name : quoted(name);
    return path.empty() ? shown : path + "." + shown;
}

std::string duration_text(std::uint64_t nanoseconds) { return in_largest(nanoseconds, durations); }
std::string size_text(std::uint64_t amount) { return amount == 0 ? "0B" : in_largest(amount, sizes); }

std::string fraction_text(double fraction) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, fraction).ptr};
}

std::string expected_whole(plan_range range) {
    return "a whole number from " + std::to_string(range.low) + " to " + std::to_string(range.high);
}

std::string expected_duration(plan_range range) {
    return expected("a duration", range, duration_text, duration_examples);
}

std::string expected_size(plan_range range) { return expected("a size", range, size_text, size_examples); }

std::string expected_simulate_nodes() {
    return expected_whole(plan_limits::simulate_nodes) + ", " + std::string(one_node_per_cpu);
}

}  // namespace numasio::detail
