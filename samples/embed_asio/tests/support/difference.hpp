// How far two sources differ, and whether they differ where they must not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace embed::test {

struct difference {
    std::size_t lines = 0;             ///< removed and added
    std::string text;                  ///< as diff -U0 shows it, without names and line numbers
    std::vector<std::string> touched;  ///< what had to stay as it is, and did not
};

/// What must stay: all handlers, and each line of the program about io_context, threads, signals, routes and server.
difference compare(const std::filesystem::path& before, const std::filesystem::path& after);

std::string text_of(const std::filesystem::path& file);

}  // namespace embed::test
