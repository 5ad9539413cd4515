// numasio comes into an existing service by fewer than 40 lines, and leaves its io_context, threads and handlers alone.
#include "support/child.hpp"
#include "support/difference.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace embed::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path source = EMBED_SOURCE;
constexpr std::size_t bound = 40;

TEST(embed_difference, is_under_40_lines_and_leaves_io_context_threads_and_handlers_alone) {
    const auto between = compare(source / "before.cpp", source / "after.cpp");
    EXPECT_LT(between.lines, bound) << between.text;
    EXPECT_GT(between.lines, 10U) << "that is no difference:\n" << between.text;
    EXPECT_THAT(between.touched, IsEmpty()) << between.text;
}

TEST(embed_difference, is_shown_in_the_readme_as_it_is) {
    const auto between = compare(source / "before.cpp", source / "after.cpp");
    EXPECT_THAT(text_of(source / "README.md"), HasSubstr("```diff\n" + between.text + "```\n"));
    EXPECT_THAT(text_of(source / "README.md"), HasSubstr("```yaml\n" + text_of(source / "embed.yaml") + "```\n"));
    EXPECT_THAT(text_of(source / "README.md"), HasSubstr(std::to_string(between.lines) + " lines"));
}

/// What is said about after.cpp with `found` replaced.
difference changed(const std::string& found, const std::string& replacement) {
    child lender({EMBED_BEFORE, "--help"});  // for its folder
    auto text = text_of(source / "after.cpp");
    const auto at = text.find(found);
    EXPECT_NE(at, text.npos) << found;
    text.replace(at, found.size(), replacement);
    std::ofstream(lender.folder() / "after.cpp") << text;
    return compare(source / "before.cpp", lender.folder() / "after.cpp");
}

TEST(embed_difference, that_grows_or_touches_what_must_stay_is_noticed) {
    std::string more = "// --- the state";
    for (std::size_t i = 0; i < bound; ++i) { more = "int line" + std::to_string(i) + ";\n" + more; }
    EXPECT_GE(changed("// --- the state", more).lines, bound);
    EXPECT_THAT(changed("if (error) { co_return", "if (!error) { co_return").touched, ElementsAre("the handlers"));
    for (const auto& [was, is] : std::vector<std::pair<std::string, std::string>>{
             {"asio::io_context io{", "asio::io_context io{1 + "},
             {"threads.emplace_back([&] { io.run(); })", "threads.emplace_back([&] { bridge.pin_control_thread(); io.run(); })"},
             {"        server.stop();", "        bridge.announce_drain();"},
             {"    threads.clear();\n", ""}}) {
        EXPECT_THAT(changed(was, is).touched, ElementsAre(HasSubstr("threads"))) << was;
    }
}

}  // namespace
}  // namespace embed::test
