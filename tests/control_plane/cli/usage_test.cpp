// The command line: help that fits a terminal, errors that name what is wrong and what is right, exit statuses.
#include "ctl.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <regex>

namespace numasio::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(numasioctl, explains_itself_within_80_columns) {
    for (const char* command : {"", "topology", "devices", "audit", "probe", "latency", "plan", "plan explain", "plan check"}) {
        const auto help = ctl(std::string(command) + " --help");
        EXPECT_EQ(help.status, 0) << command;
        EXPECT_THAT(help.err, IsEmpty()) << command;
        EXPECT_THAT(help.out, HasSubstr("Usage: numasioctl")) << command;
        EXPECT_LE(widest(help.out), 80U) << help.out;
    }
    EXPECT_THAT(ctl("--help").out, HasSubstr("EXIT STATUS"));
}

TEST(numasioctl, is_documented_with_every_command_and_option) {
    const std::string page = contents(NUMASIO_SOURCE_DIR "/docs/numasioctl.md");
    const std::regex option(R"(\n  (?:-\w,)?(--[a-z]+)|\n  -(\w),--topology)");
    std::size_t options = 0;
    for (const std::string command : {"topology", "devices", "audit", "probe", "latency", "plan explain", "plan check"}) {
        EXPECT_THAT(page, HasSubstr("`" + command + "`"));
        const auto help = ctl(command + " --help").out;
        for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it, ++options) {
            const std::string name = (*it)[1];
            const std::string written = name == "--topology" ? "-t MACHINE" : name == "--rows" ? "-n N" : name;
            if (name != "--help") { EXPECT_THAT(page, HasSubstr(written)) << command; }
        }
    }
    EXPECT_GE(options, 15U);
    for (const char* status : {"| 0 | done", "| 1 | could not", "| 2 | the command line", "| 3 | done, and the answer is no"}) {
        EXPECT_THAT(page, HasSubstr(status));
    }
}

TEST(numasioctl, tells_its_version) {
    const auto version = ctl("--version");
    EXPECT_EQ(version.status, 0);
    EXPECT_EQ(version.out.rfind("numasioctl ", 0), 0U) << version.out;
}

struct mistake {
    std::string arguments;
    std::string said;
};
void PrintTo(const mistake& m, std::ostream* out) { *out << m.arguments; }

class mistakes : public testing::TestWithParam<mistake> {};

TEST_P(mistakes, end_with_2_and_say_what_was_expected) {
    const auto got = ctl(GetParam().arguments);
    EXPECT_EQ(got.status, 2);
    EXPECT_THAT(got.out, IsEmpty());
    EXPECT_THAT(got.err, HasSubstr(GetParam().said));
    EXPECT_THAT(got.err, HasSubstr("--help"));
}

INSTANTIATE_TEST_SUITE_P(numasioctl, mistakes,
                         testing::Values(mistake{"", "a command is missing; expected topology, devices,"},
                                         mistake{"topologie", "\"topologie\" is no command; expected topology"},
                                         mistake{"plan", "plan: a command is missing; expected explain or check"},
                                         mistake{"plan exlain x", "plan: \"exlain\" is no command; expected explain or check"},
                                         mistake{"plan check", "FILE is required"},
                                         mistake{"audit", "PID or --self"},
                                         mistake{"audit nobody", "PID: Value nobody not in range"},
                                         mistake{"audit 0", "not in range 1 to"},
                                         mistake{"audit --self 1", "excludes"},
                                         mistake{"topology --xml --json", "excludes"},
                                         mistake{"topology -t", "--topology"},
                                         mistake{"latency --size 3", "--size"},
                                         mistake{"latency --size many", "--size"},
                                         mistake{"latency --time 0", "--time"},
                                         mistake{"devices eth0", "eth0"},
                                         mistake{"probe --jsn", "--jsn"}));

TEST(numasioctl, that_cannot_write_its_answer_fails) {
    const int status = std::system("'" NUMASIO_CTL "' topology > /dev/full 2> /dev/null");
    EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace numasio::test
