// What cannot start says why and what helps, and ends with 2.
#include "support/child.hpp"
#include "support/client.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace embed::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

class embed_start : public testing::TestWithParam<version> {
protected:
    std::string program() const { return GetParam() == version::before ? EMBED_BEFORE : EMBED_AFTER; }
    /// What it says when it does not start.
    std::string refusal(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), program());
        child refused(arguments);
        EXPECT_EQ(refused.wait(), 2) << refused.output();
        return refused.output();
    }
};
INSTANTIATE_TEST_SUITE_P(program, embed_start, testing::Values(version::before, version::after),
                         [](const auto& p) { return p.param == version::before ? "before" : "after"; });

TEST_P(embed_start, options_that_mean_nothing_are_named) {
    EXPECT_THAT(refusal({"--treads", "4"}), AllOf(HasSubstr("unknown option \"--treads\""), HasSubstr("--threads N")));
    EXPECT_THAT(refusal({"--port"}), HasSubstr("--port needs a value"));
    EXPECT_THAT(refusal({"--port=65536"}), HasSubstr("--port needs a number from 0 to 65535, not \"65536\""));
    EXPECT_THAT(refusal({"--port", "http"}), HasSubstr("not \"http\""));
    EXPECT_THAT(refusal({"--threads", "0"}), HasSubstr("--threads needs a number from 1 to 16"));
    EXPECT_THAT(refusal({"--threads=17"}), HasSubstr("--threads needs a number from 1 to 16"));
}

TEST_P(embed_start, a_port_in_use_is_named_with_the_remedy) {
    service first(GetParam());
    EXPECT_THAT(refusal({"--port", std::to_string(first.port)}),
                AllOf(HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(first.port) + ": Address already in use"),
                      HasSubstr("choose another with --port")));
}

TEST_P(embed_start, help_is_no_error) {
    child asked({program(), "--help"});
    EXPECT_EQ(asked.wait(), 0);
    EXPECT_THAT(asked.output(), HasSubstr("--port N"));
}

TEST(embed_plan, the_plan_of_the_sample_starts_with_as_many_threads_as_there_may_be) {
    child running({EMBED_AFTER, "--port=0", "--threads=16"});
    const auto line = running.wait_for("listening on ");
    ASSERT_FALSE(line.empty()) << running.output();
    EXPECT_THAT(running.output(), HasSubstr("pool limits: "));
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST(embed_plan, a_wrong_plan_is_refused_with_its_line) {
    child lender({EMBED_BEFORE, "--help"});  // for its folder
    const auto file = (lender.folder() / "wrong.yaml").string();
    const auto said = [&](const std::string& text) {
        std::ofstream(file) << text;
        child refused({EMBED_AFTER, "--port=0", "--plan", file});
        EXPECT_EQ(refused.wait(), 2);
        return refused.output();
    };
    EXPECT_THAT(said("version: 1\npools:\n  limits: {lane: {capacty: 4}}\n"), AllOf(HasSubstr("wrong.yaml:3:"), HasSubstr("capacty")));
    EXPECT_THAT(said("version: 1\npools: {other: auto}\n"), HasSubstr("limits"));
    std::filesystem::remove(file);
    child refused({EMBED_AFTER, "--plan", file});
    EXPECT_EQ(refused.wait(), 2);
    EXPECT_THAT(refused.output(), AllOf(HasSubstr(file), HasSubstr("cannot be read")));
}

}  // namespace
}  // namespace embed::test
