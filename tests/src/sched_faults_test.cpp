// The scheduler's calls refused with each documented errno: a typed error, never a pin or a priority that is not there.
#include <numasio/affinity.hpp>

#include "support/strace.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <fstream>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace {

using namespace numasio;
using numasio::test::answers;
using testing::HasSubstr;

const std::string probe = "'" NUMASIO_SCHED_PROBE "'";

using numasio::test::code;
std::string code_of(errc value) { return "numasio:" + std::to_string(static_cast<int>(value)); }

struct refused_call {
    std::string call;
    std::string error;
    std::string step;    ///< what the program did then
    std::string answer;  ///< and was told
};
void PrintTo(const refused_call& r, std::ostream* out) { *out << r.call << " " << r.error << ": " << r.step; }

class sched_faults : public testing::TestWithParam<refused_call> {};

TEST_P(sched_faults, are_told_as_what_they_are) {
    const auto& [call, error, step, answer] = GetParam();
    const answers got = test::run(test::under_fault(probe, call, error));
    EXPECT_EQ(got.at(step), answer);
    if (call == "sched_setaffinity" || call == "sched_getaffinity") { EXPECT_EQ(got.at("scoped"), "nothing"); }
    if (call == "sched_setscheduler") { EXPECT_EQ(got.at("fifo_read"), "0"); }
}

// The first sched_getaffinity is libnuma's, which does not survive an EINVAL to every mask that it tries.
INSTANTIATE_TEST_SUITE_P(
    of_every_call, sched_faults,
    testing::Values(refused_call{"sched_setaffinity", "EPERM", "pin", code(EPERM)},
                    refused_call{"sched_setaffinity", "EINVAL", "pin", code(EINVAL)},
                    refused_call{"sched_setaffinity", "ESRCH", "pin", code(ESRCH)},
                    refused_call{"sched_setaffinity", "EFAULT", "pin", code(EFAULT)},
                    refused_call{"sched_setaffinity", "ENOSYS", "pin", code(ENOSYS)},
                    refused_call{"sched_getaffinity", "EPERM", "pin", code(EPERM)},
                    refused_call{"sched_getaffinity", "EINVAL:when=2+", "pin", code(EINVAL)},
                    refused_call{"sched_getaffinity", "ESRCH", "pin", code(ESRCH)},
                    refused_call{"sched_getaffinity", "EFAULT", "pin", code(EFAULT)},
                    refused_call{"sched_getaffinity", "ENOSYS", "pin", code(ENOSYS)},
                    refused_call{"sched_setscheduler", "EPERM", "fifo", code_of(errc::realtime_refused)},
                    refused_call{"sched_setscheduler", "EINVAL", "fifo", code(EINVAL)},
                    refused_call{"sched_setscheduler", "ESRCH", "fifo", code(ESRCH)},
                    refused_call{"sched_setscheduler", "ENOSYS", "fifo", code(ENOSYS)},
                    refused_call{"sched_setscheduler", "EPERM", "ordinary", code(EPERM)}),
    [](const auto& tested) {
        return tested.param.call + "_" + tested.param.error.substr(0, tested.param.error.find(':')) + "_" + tested.param.step;
    });

TEST(sched_faults, of_a_thread_that_is_looked_after_are_told_once_with_the_call_and_its_error) {
    if (std::thread::hardware_concurrency() < 2) { return; }  // every thread is on the only CPU there is
    const answers well = test::run(probe);
    EXPECT_EQ(well.at("kept_changes"), "0") << "brought home at the first look";
    for (const auto& [error, number] : {std::pair("EPERM", EPERM), std::pair("ENOSYS", ENOSYS)}) {
        const answers refused = test::run(test::under_fault(probe, "sched_setaffinity", error));
        EXPECT_EQ(refused.at("kept_changes"), "1");
        EXPECT_EQ(refused.at("kept"), "degraded");
        EXPECT_EQ(refused.at("kept_error"), code(number));
        EXPECT_THAT(refused.at("kept_why"), testing::StartsWith("sched_setaffinity: "));
    }
    const answers once = test::run(test::under_fault(probe, "sched_setaffinity", "EPERM:when=1"));
    EXPECT_EQ(once.at("kept_changes"), "2") << "told, and told again when it was home";
    EXPECT_EQ(once.at("kept"), "honoured");
    const answers blind = test::run(test::under_fault(probe, "sched_getaffinity", "EPERM"));
    EXPECT_EQ(blind.at("kept_changes"), "0") << "of what is not known nothing is told";
}

TEST(sched_faults, a_priority_that_cannot_be_read_back_is_not_believed) {
    // Accepted, but nothing was done: the answer of a sandbox that lies.
    const answers got = test::run("ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=sched_setscheduler "
                                  "-e inject=sched_setscheduler:retval=0 " + probe + " 2>&1");
    EXPECT_EQ(got.at("fifo"), code_of(errc::realtime_refused));
    EXPECT_EQ(got.at("fifo_read"), "0");
    for (const char* call : {"sched_getscheduler", "sched_getparam"}) {
        const answers unread = test::run(test::under_fault(probe, call, "EPERM"));
        EXPECT_NE(unread.at("fifo"), "ok") << call;
        EXPECT_EQ(unread.at("fifo_read"), "0") << call;
    }
}

/// With CAP_SYS_NICE, whoever has it.
bool may_have_real_time() {
    std::ifstream status("/proc/self/status");
    const std::string key = "CapEff:";
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, key.size(), key) == 0) { return (std::stoull(line.substr(key.size()), nullptr, 16) >> 23 & 1) != 0; }
    }
    return false;
}

TEST(fifo, is_what_the_kernel_reads_back_and_is_not_inherited) {
    std::thread([] {
        ASSERT_EQ(this_thread_fifo(), std::nullopt);
        const auto refused = set_this_thread_fifo(3);
        if (!may_have_real_time()) {
            EXPECT_EQ(refused, errc::realtime_refused);
            EXPECT_EQ(this_thread_fifo(), std::nullopt);
            return;
        }
        ASSERT_FALSE(refused) << refused.message();
        EXPECT_EQ(this_thread_fifo(), 3);
        std::thread([] { EXPECT_EQ(this_thread_fifo(), std::nullopt); }).join();
        EXPECT_FALSE(set_this_thread_ordinary());
        EXPECT_EQ(this_thread_fifo(), std::nullopt);
    }).join();
}

TEST(fifo, outside_the_kernels_priorities_is_its_errno) {
    for (const int priority : {-1, 0, 100}) {
        EXPECT_EQ(set_this_thread_fifo(priority), boost::system::errc::invalid_argument) << priority;
    }
}

TEST(fifo, without_permission_is_refused_with_the_remedy) {
    // Root gives up what it has; an ordinary user without RLIMIT_RTPRIO never had it.
    const std::string as_nobody = ::geteuid() == 0 ? "setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all " : "";
    const std::string copy = "/tmp/numasio_sched_probe_" + std::to_string(::getpid());  // build folders may be root's alone
    const answers got = test::run("cp " + probe + " " + copy + " && chmod 755 " + copy + " && (ulimit -r 0; " + as_nobody + copy +
                                  "); status=$?; rm -f " + copy + "; exit $status");
    EXPECT_EQ(got.at("fifo"), code_of(errc::realtime_refused));
    EXPECT_THAT(got.at("fifo_says"), HasSubstr("RLIMIT_RTPRIO"));
    EXPECT_THAT(got.at("fifo_says"), HasSubstr("CAP_SYS_NICE"));
    EXPECT_EQ(got.at("fifo_read"), "0");
    EXPECT_EQ(got.at("pin"), "ok");
}

}  // namespace
