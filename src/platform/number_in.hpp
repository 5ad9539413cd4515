// One number in one of the kernel's files.
#pragma once

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace numasio::platform {

/// The number that the file's first line begins with; absent where the file cannot be read or says something else, as "max".
template <class Number>
std::optional<Number> number_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    Number value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec != std::errc{}) { return std::nullopt; }
    return value;
}

}  // namespace numasio::platform
