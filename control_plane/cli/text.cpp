// Lays out text for 80 columns.
#include <control_plane/cli/text.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace numasio::cli {
namespace {

std::string padded(const std::string& text, std::size_t to, bool right) {
    const std::string gap(to - std::min(to, columns(text)), ' ');
    return right ? gap + text : text + gap;
}

/// Where a line that begins at `from` ends, if it has `room` columns: after a space or a comma, else in the middle of a word.
std::size_t line_end(std::string_view text, std::size_t from, std::size_t room) {
    std::size_t used = 0;
    std::size_t good = from;
    for (std::size_t i = from; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) { ++used; }
        if (used > room + (text[i] == ' ' ? 1 : 0)) { return good == from ? i : good; }
        if (text[i] == ' ' || text[i] == ',') { good = i + 1; }
    }
    return text.size();
}

std::string lines(std::string text, std::string_view rest, std::size_t indent) {
    const std::size_t room = width > indent + 12 ? width - indent : 12;
    std::size_t at = 0;
    do {
        const std::size_t end = line_end(rest, at, room);
        std::string_view part = rest.substr(at, end - at);
        while (!part.empty() && part.back() == ' ') { part.remove_suffix(1); }
        if (at != 0) { text += std::string(indent, ' '); }
        text += part;
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
        at = end;
    } while (at < rest.size());
    return text;
}

}  // namespace

std::size_t columns(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string amount(bytes of) {
    constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto scaled = static_cast<double>(of.value);
    std::size_t unit = 0;
    // What would round to 1024.0 is one of the next unit.
    while (scaled >= 1023.95 && unit + 1 < units.size()) {
        scaled /= 1024;
        ++unit;
    }
    const bool whole = std::abs(scaled - std::round(scaled)) < 0.05;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", scaled, units[unit]);
    return text.data();
}

std::string counted(std::size_t count, const std::string& thing) {
    return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

std::string percent(double share) {
    double tenths = std::round(share * 1000);
    if (share < 1 && tenths >= 1000) { tenths = 999; }
    if (share > 0 && tenths < 1) { tenths = 1; }
    return fixed(tenths / 10, 1) + " %";
}

std::string bar(double share, std::size_t length) {
    auto filled = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(length)));
    if (share > 0 && filled == 0) { filled = 1; }
    return '[' + std::string(filled, '#') + std::string(length - filled, '-') + ']';
}

std::string fixed(std::optional<double> value, int digits) {
    if (!value) { return "-"; }
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, *value);
    return text.data();
}

std::string wrapped(std::string_view text, std::size_t indent) { return lines(std::string(indent, ' '), text, indent); }

std::string labelled(const std::string& label, std::string_view text, std::size_t indent) {
    return lines(padded(label, indent, false), text, indent);
}

table::table(std::vector<std::string> head, std::string right) : right_(std::move(right)) { rows_.push_back(std::move(head)); }

void table::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::string table::text(std::size_t indent) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) { widths[i] = std::max(widths[i], columns(row[i])); }
    }
    std::string out;
    for (const auto& row : rows_) {
        std::string line(indent, ' ');
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            line += padded(row[i], widths[i], i < right_.size() && right_[i] == 'r') + "  ";
        }
        const bool right = row.size() <= right_.size() && right_[row.size() - 1] == 'r';
        out += labelled(line, right ? padded(row.back(), widths[row.size() - 1], true) : row.back(), columns(line));
    }
    return out;
}

}  // namespace numasio::cli
