// Sizes, first comments and switched-off tests: of the tree, and of made-up files that must be caught.
#include "shapes.hpp"

#include <gmock/gmock.h>

namespace numasio::rules {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(shapes, no_file_of_the_tree_is_longer_than_600_lines) {
    EXPECT_THAT(too_long(read_tree(NUMASIO_SOURCE_DIR)), IsEmpty());
}

TEST(shapes, every_file_of_the_tree_says_its_job_first) {
    EXPECT_THAT(without_a_first_comment(read_tree(NUMASIO_SOURCE_DIR)), IsEmpty());
}

TEST(shapes, no_test_of_the_tree_is_skipped_or_disabled) {
    EXPECT_THAT(skipped_tests(read_tree(NUMASIO_SOURCE_DIR)), IsEmpty());
}

TEST(shapes, line_601_is_caught_and_line_600_is_not) {
    const auto lines = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) { text += "int x;\n"; }
        return text;
    };
    EXPECT_THAT(too_long({{"src/a.cpp", lines(600)}}), IsEmpty());
    EXPECT_THAT(too_long({{"src/a.cpp", lines(601)}}), SizeIs(1));
}

TEST(shapes, a_file_without_a_first_comment_is_caught) {
    EXPECT_THAT(without_a_first_comment({{"src/a.cpp", "#include <vector>\n// Too late to say it.\n"}}), SizeIs(1));
    EXPECT_THAT(without_a_first_comment({{"src/a.cpp", "// Short.\n"}}), SizeIs(1));
    EXPECT_THAT(without_a_first_comment({{"cmake/a.cmake", "include_guard()\n"}}), SizeIs(1));
    EXPECT_THAT(without_a_first_comment({{"tests/a.sh", "#!/bin/bash\nset -e\n"}}), SizeIs(1));
    EXPECT_THAT(without_a_first_comment({{"src/a.cpp", "// Says what the file is for.\n"},
                                         {"cmake/a.cmake", "# Says what the file is for.\n"},
                                         {"tests/a.sh", "#!/bin/bash\n# Says what the file is for.\n"}}),
                IsEmpty());
}

TEST(shapes, a_switched_off_test_is_caught) {
    EXPECT_THAT(skipped_tests({{"tests/a.cpp", "TEST(a, b) { GTEST_SKIP() << 1; }\n"}}), SizeIs(1));
    EXPECT_THAT(skipped_tests({{"samples/kv/tests/a.cpp", "\nTEST(a, DISABLED_b) {}\n"}}), SizeIs(1));
    EXPECT_THAT(skipped_tests({{"tests/a.cpp", "// never GTEST_SKIP\nauto s = \"DISABLED_x\";\n"}}), IsEmpty());
}

}  // namespace
}  // namespace numasio::rules
