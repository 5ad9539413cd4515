// The scanner blanks comments, raw strings and literals, and nothing else; the reader finds the files.
#include "source_text.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace numasio::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(source_text, comments_are_blanked_and_lines_stay) {
    EXPECT_EQ(without_comments("a // b\nc /* d\ne */ f"), "a     \nc     \n     f");
    EXPECT_EQ(without_comments("x // goes on \\\n y\nz"), "x             \n  \nz");
}

TEST(source_text, a_comment_mark_inside_a_string_is_no_comment) {
    EXPECT_EQ(without_comments("s = \"http://x\"; y"), "s = \"http://x\"; y");
    EXPECT_EQ(without_comments("c = '\"'; d // e"), "c = '\"'; d     ");
    EXPECT_EQ(without_comments("s = \"a\\\"//b\"; y"), "s = \"a\\\"//b\"; y");
}

TEST(source_text, a_digit_separator_opens_no_character_literal) {
    EXPECT_EQ(code_only("n = 65'536; m // x"), "n = 65'536; m     ");
}

TEST(source_text, literals_are_blanked_in_code) {
    EXPECT_EQ(code_only("f(\"mmap(\", 'a');"), "f(       ,    );");
}

TEST(source_text, raw_strings_are_blanked_with_their_own_delimiter) {
    EXPECT_EQ(without_comments("s = R\"x(#include \"a\" )\" )x\"; y"), "s =                        ; y");
    EXPECT_THAT(without_comments("VAR\"(\" // z"), Not(HasSubstr("z")));
}

TEST(source_text, the_reader_finds_sources_and_leaves_out_build_folders) {
    namespace fs = std::filesystem;
    const fs::path root = fs::path(testing::TempDir()) / "numasio_rules_tree";
    fs::remove_all(root);
    const auto put = [&](const fs::path& file) {
        fs::create_directories((root / file).parent_path());
        std::ofstream(root / file) << "text\n";
    };
    for (const auto* file : {"src/b.cpp", "src/a.hpp", "src/CMakeLists.txt", "src/notes.txt", "src/build/c.cpp",
                             "build/d.cpp", "docs/e.cpp", "samples/kv/f.cpp"}) {
        put(file);
    }
    std::vector<std::string> paths;
    for (const auto& file : read_tree(root)) {
        EXPECT_EQ(file.text, "text\n");
        paths.push_back(file.path);
    }
    EXPECT_THAT(paths, ElementsAre("samples/kv/f.cpp", "src/CMakeLists.txt", "src/a.hpp", "src/b.cpp"));
    fs::remove_all(root);
}

}  // namespace
}  // namespace numasio::rules
