// numasioctl probe: what is granted here, and each refusal with its errno and remedy.
#include "ctl.hpp"

#include <gmock/gmock.h>

#include <ostream>

namespace numasio::test {
namespace {

using testing::HasSubstr;

/// The reports of `call` that are about `asked`.
boost::json::value report(const boost::json::value& document, const std::string& call, const std::string& asked) {
    for (const auto& one : document.at("calls").as_array()) {
        if (one.at("call").as_string() == call && std::string(one.at("for").as_string()).find(asked) != std::string::npos) { return one; }
    }
    ADD_FAILURE() << "no report of " << call << ", " << asked;
    return {};
}

TEST(probe_command, without_a_fault_finds_that_placement_is_possible) {
    const auto got = ctl("probe --json");
    EXPECT_EQ(got.status, 0) << got.out;
    const auto document = got.json();
    EXPECT_TRUE(document.at("placement_possible").as_bool());
    EXPECT_EQ(report(document, "sched_setaffinity", "pin to CPU").at("answer").as_string(), "granted");
    EXPECT_EQ(report(document, "mbind", "bind pages to node").at("answer").as_string(), "granted");
    EXPECT_EQ(report(document, "move_pages", "ask where").at("answer").as_string(), "granted");
    const auto text = ctl("probe");
    EXPECT_EQ(text.status, 0);
    EXPECT_LE(widest(text.out), 80U) << text.out;
}

struct refusal {
    std::string call;
    std::string asked;
    std::string error;
    std::string answer;
    bool placement;
    std::string remedy;
};
void PrintTo(const refusal& r, std::ostream* out) { *out << r.call << " " << r.error; }

class probe_refusals : public testing::TestWithParam<refusal> {};

TEST_P(probe_refusals, are_told_with_errno_and_remedy) {
    const auto& [call, asked, error, answer, placement, remedy] = GetParam();
    const auto got = ctl("probe --json", refusing(call, error));
    EXPECT_EQ(got.status, placement ? 3 : 0) << got.err;
    const auto document = got.json();
    EXPECT_EQ(document.at("placement_possible").as_bool(), !placement);
    const auto one = report(document, call, asked);
    EXPECT_EQ(one.at("answer").as_string(), answer);
    EXPECT_EQ(one.at("error").at("name").as_string(), error);
    EXPECT_THAT(std::string(one.at("remedy").as_string()), HasSubstr(remedy));
}

INSTANTIATE_TEST_SUITE_P(
    numasioctl, probe_refusals,
    testing::Values(refusal{"mbind", "bind pages", "EPERM", "refused", true, "--cap-add SYS_NICE"},
                    refusal{"mbind", "bind pages", "EINVAL", "refused", true, "cpuset.mems"},
                    refusal{"mbind", "bind pages", "ENOSYS", "absent", true, "not bound"},
                    refusal{"mbind", "several nodes", "EINVAL", "absent", true, "Linux 5.15"},
                    refusal{"set_mempolicy", "thread prefers", "EPERM", "refused", true, "allows set_mempolicy"},
                    refusal{"move_pages", "ask where", "EPERM", "refused", true, "never 100 %"},
                    refusal{"move_pages", "ask where", "ENOSYS", "absent", true, "never 100 %"},
                    refusal{"sched_setaffinity", "pin to", "EPERM", "refused", true, "not pinned"},
                    refusal{"sched_setaffinity", "pin to", "EINVAL", "refused", true, "cpuset"},
                    refusal{"migrate_pages", "process from", "EPERM", "refused", false, "--cap-add SYS_NICE"},
                    refusal{"get_mempolicy", "allowed nodes", "EPERM", "refused", false, "read from /proc"},
                    refusal{"mlock", "64 MiB", "ENOMEM", "refused", false, "RLIMIT_MEMLOCK"},
                    refusal{"mlock", "64 MiB", "EPERM", "refused", false, "CAP_IPC_LOCK"},
                    refusal{"sched_setscheduler", "real-time", "EPERM", "refused", false, "RLIMIT_RTPRIO"},
                    refusal{"membarrier", "expedited", "ENOSYS", "absent", false, "Linux 4.14"},
                    refusal{"membarrier", "expedited", "EPERM", "refused", false, "allow membarrier"},
                    refusal{"io_uring_setup", "ring", "EPERM", "refused", false, "io_uring_disabled"},
                    refusal{"io_uring_setup", "ring", "ENOSYS", "absent", false, "epoll"},
                    refusal{"perf_event_open", "counter", "EACCES", "refused", false, "perf_event_paranoid"},
                    refusal{"perf_event_open", "counter", "ENOENT", "absent", false, "virtual machines"}));

TEST(probe_command, survives_a_filter_that_kills) {
    const auto got = ctl("probe --json", refusing("mbind", "signal=SIGSYS"));
    EXPECT_EQ(got.status, 3) << got.err;
    const auto one = report(got.json(), "mbind", "bind pages");
    EXPECT_EQ(one.at("answer").as_string(), "refused");
    EXPECT_EQ(one.at("killed_by").to_number<int>(), SIGSYS);
    EXPECT_THAT(std::string(one.at("remedy").as_string()), HasSubstr("SystemCallErrorNumber"));
}

TEST(probe_command, does_not_believe_a_kernel_that_only_says_yes) {
    const auto got = ctl("probe --json", refusing("sched_setaffinity", "retval=0"));
    if (got.json().at("calls").as_array().front().at("for").as_string() != "pin to CPU 0") {
        EXPECT_EQ(got.status, 3) << got.out;  // more than one CPU: the mask read back is another one
        EXPECT_FALSE(got.json().at("placement_possible").as_bool());
    }
    const auto fifo = ctl("probe --json", refusing("sched_setscheduler", "retval=0"));
    EXPECT_EQ(report(fifo.json(), "sched_setscheduler", "real-time").at("answer").as_string(), "refused");
}

}  // namespace
}  // namespace numasio::test
