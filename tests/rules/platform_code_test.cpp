// The tree keeps Linux and processors in src/platform, and a made-up tree that does not is caught.
#include "platform_code.hpp"

#include <gmock/gmock.h>

namespace numasio::rules {
namespace {

using testing::IsEmpty;

TEST(platform_code, stays_in_its_folder) {
    EXPECT_THAT(misplaced_platform_code(read_tree(NUMASIO_SOURCE_DIR)), IsEmpty());
}

class misplaced : public testing::TestWithParam<const char*> {};
TEST_P(misplaced, is_caught_everywhere_but_in_src_platform) {
    const std::string text = std::string("// A made-up file.\n") + GetParam() + "\n";
    for (const auto* path : {"include/numasio/a.hpp", "src/a.cpp", "hot_path/a.cpp", "control_plane/http/a.cpp",
                             "samples/kv/a.cpp"}) {
        const auto found = misplaced_platform_code({{path, text}});
        ASSERT_EQ(found.size(), 1U) << path;
        EXPECT_EQ(found[0].line, 2);
    }
    EXPECT_THAT(misplaced_platform_code({{"src/platform/a.cpp", text}}), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(
    each_kind, misplaced,
    testing::Values("#include <sys/mman.h>", "#include <linux/futex.h>", "#include <sched.h>", "#include <unistd.h>",
                    "#include <immintrin.h>", "#include <arm_acle.h>", "#include <numaif.h>",
                    "auto x = mmap(nullptr, 1, 2, 3, 4, 5);", "  ::mbind(p, n, 0, nullptr, 0, 0);",
                    "return syscall (SYS_futex, p);", "sched_setaffinity(0, 1, &set);", "if (numa_available() < 0) {}",
                    "#ifdef __x86_64__", "#if defined(__aarch64__)", "asm volatile(\"pause\");", "_mm_pause();",
                    "__builtin_ia32_pause();"));

class harmless : public testing::TestWithParam<const char*> {};
TEST_P(harmless, is_let_through) {
    EXPECT_THAT(misplaced_platform_code({{"hot_path/a.cpp", std::string(GetParam()) + "\n"}}), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(each_kind, harmless,
                         testing::Values("// mmap() is called in src/platform", "auto e = platform::mbind(region, node);",
                                         "log(\"sched_setaffinity(0) failed\");", "region.mmap();",
                                         "const int forked = detail::fork_generation();", "cpu_relax();"));

}  // namespace
}  // namespace numasio::rules
