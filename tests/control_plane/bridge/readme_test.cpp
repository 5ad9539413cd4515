// README.md shows the files of tests/install/own_project as they are.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace numasio::test {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream in(NUMASIO_SOURCE_DIR "/" + path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

/// All but the first comment, which says the file's job and is not for the reader of the README.
std::string shown(const std::string& file) {
    const auto text = text_of("tests/install/own_project/" + file);
    return text.substr(text.find('\n') + 1);
}

bool shows(const std::string& kind, const std::string& code) {
    return !code.empty() && text_of("README.md").find("\n```" + kind + "\n" + code + "```\n") != std::string::npos;
}

TEST(readme, shows_the_whole_program_that_is_compiled) { EXPECT_TRUE(shows("cpp", shown("counter.cpp"))); }

TEST(readme, shows_the_whole_project_that_finds_the_package) { EXPECT_TRUE(shows("cmake", shown("CMakeLists.txt"))); }

TEST(readme, holds_no_code_that_is_not_compiled) {
    const auto text = text_of("README.md");
    for (const std::string kind : {"cpp", "cmake"}) {
        const auto first = text.find("\n```" + kind);
        EXPECT_NE(first, std::string::npos);
        EXPECT_EQ(text.find("\n```" + kind, first + 1), std::string::npos) << kind;
    }
}

}  // namespace
}  // namespace numasio::test
