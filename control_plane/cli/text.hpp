// Text for a terminal of 80 columns: amounts, bars, tables, wrapped lines.
#pragma once

#include <numasio/ids.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::cli {

inline constexpr std::size_t width = 80;

/// "1.5 GiB", "512 MiB", "0 B".
std::string amount(bytes of);
/// "3 workers", "1 worker".
std::string counted(std::size_t count, const std::string& thing);
/// "99.8 %"; never "100.0 %" or "0.0 %" for what is not all or nothing.
std::string percent(double share);
/// "[#####---------------]" of `length` places.
std::string bar(double share, std::size_t length);
/// `digits` after the point; "-" for what was not measured.
std::string fixed(std::optional<double> value, int digits);

/// `text` in lines of at most 80 columns, each behind `indent` spaces; breaks at spaces and after commas.
std::string wrapped(std::string_view text, std::size_t indent);
/// As wrapped(), the first line behind `label`, padded to `indent` columns.
std::string labelled(const std::string& label, std::string_view text, std::size_t indent);

/// Columns as wide as their widest cell. A column is to the right where `right` has an 'r' at its place.
class table {
public:
    explicit table(std::vector<std::string> head, std::string right = {});
    void add(std::vector<std::string> row);
    /// Behind `indent` spaces; ends with a line break; the last column is wrapped at 80 columns.
    std::string text(std::size_t indent = 0) const;

private:
    std::vector<std::vector<std::string>> rows_;
    std::string right_;
};

/// Columns that the text takes on a terminal: characters, not bytes.
std::size_t columns(std::string_view text) noexcept;

}  // namespace numasio::cli
