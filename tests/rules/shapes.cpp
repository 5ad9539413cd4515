// Counts lines, reads the first comment and searches for skipped tests.
#include "shapes.hpp"

#include <regex>

namespace numasio::rules {

std::vector<violation> too_long(const tree& files) {
    std::vector<violation> found;
    for (const auto& file : files) {
        const auto lines = lines_of(file.text).size();
        if (lines > longest_file) {
            found.push_back({file.path, static_cast<int>(lines), "more than " + std::to_string(longest_file) +
                                                                     " lines: split it by job"});
        }
    }
    return found;
}

std::vector<violation> without_a_first_comment(const tree& files) {
    std::vector<violation> found;
    for (const auto& file : files) {
        if (file.text.empty()) { continue; }
        const auto lines = lines_of(file.text);
        std::size_t first = 0;
        while (first + 1 < lines.size() && (lines[first].empty() || starts_with(lines[first], "#!"))) { ++first; }
        // Ten characters: a file's job does not fit in fewer.
        static const std::regex cpp(R"(^// .{10,})");
        static const std::regex script(R"(^# .{10,})");
        const auto line = std::string(lines[first]);
        if (!std::regex_search(line, is_cpp(file.path) ? cpp : script)) {
            found.push_back({file.path, static_cast<int>(first + 1), "the first comment does not say the file's job"});
        }
    }
    return found;
}

std::vector<violation> skipped_tests(const tree& files) {
    static const std::regex pattern(R"(\b(GTEST_SKIP\w*|DISABLED_\w*)\b)");
    std::vector<violation> found;
    for (const auto& file : files) {
        if (!is_cpp(file.path)) { continue; }
        const std::string code = code_only(file.text);
        int number = 0;
        for (const auto line : lines_of(code)) {
            ++number;
            std::match_results<std::string_view::const_iterator> match;
            if (std::regex_search(line.begin(), line.end(), match, pattern)) {
                found.push_back({file.path, number, "a test that does not run: " + match[1].str()});
            }
        }
    }
    return found;
}

}  // namespace numasio::rules
