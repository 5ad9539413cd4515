// The text of our own sources: which files there are, and what is left without comments and strings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::rules {

/// A line of a file that breaks a rule.
struct violation {
    std::string file;  ///< relative to the root of the tree
    int line = 0;
    std::string what;
};
std::ostream& operator<<(std::ostream& out, const violation& v);

struct source_file {
    std::string path;  ///< relative to the root of the tree, with '/'
    std::string text;
};

/// The files under the house's folders of `root`, ascending; build folders are left out.
std::vector<source_file> read_tree(const std::filesystem::path& root);
/// The same for a made-up tree in memory.
using tree = std::vector<source_file>;

bool is_cpp(std::string_view path);
bool starts_with(std::string_view path, std::string_view prefix);

/// `text` with comments and raw strings blanked out; line breaks stay, so that line numbers hold.
std::string without_comments(std::string_view text);
/// The same, with strings and character literals blanked out too.
std::string code_only(std::string_view text);

std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace numasio::rules
