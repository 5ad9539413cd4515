// Each system call of the memory code × each errno that it documents: a typed error, or a fallback that is told.
#include "support/sanitized.hpp"
#include "support/strace.hpp"

#include <numasio/errc.hpp>

#include <gmock/gmock.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

using numasio::errc;
using numasio::test::sanitized;
using numasio::test::answers;
using numasio::test::run;
using numasio::test::under_fault;

const std::map<std::string, int> numbers = {
    {"E2BIG", E2BIG},   {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EBADF", EBADF},   {"EFAULT", EFAULT},
    {"EINVAL", EINVAL}, {"EIO", EIO},       {"ENFILE", ENFILE}, {"ENODEV", ENODEV}, {"ENOENT", ENOENT},
    {"ENOMEM", ENOMEM}, {"ENOSYS", ENOSYS}, {"EPERM", EPERM},   {"ESRCH", ESRCH},   {"EHWPOISON", EHWPOISON}};

/// What the region becomes. `refused`: an error with the call's errno. `honoured`: a fallback gives all that was asked.
enum class is { refused, honoured, degraded, unknown_pages };

struct row {
    const char* call;
    const char* which;  // of the calls, as strace counts them; "" for each
    std::vector<const char*> errors;
    const char* options;
    is strict;
    is best_effort;
    const char* lost;  // what best effort says that it lost
    bool fits_sanitizers = true;
};

const std::vector<row>& table() {
    static const std::vector<row> rows = {
        // call, which, errors, options, strict, best effort, what best effort lost
        {"mbind", "", {"EFAULT", "EINVAL", "EIO", "ENOMEM", "EPERM", "ENOSYS"}, "", is::refused, is::degraded, "mbind;"},
        {"move_pages", "", {"E2BIG", "EACCES", "EFAULT", "EINVAL", "ENODEV", "ENOENT", "EPERM", "ESRCH", "ENOSYS", "ENOMEM"}, "",
         is::unknown_pages, is::degraded, "page audit;"},
        {"get_mempolicy", "", {"EFAULT", "EINVAL", "EPERM", "ENOSYS"}, "", is::honoured, is::honoured, ""},  // /proc says it too
        // The C library makes EINVAL of its ENOSYS.
        {"mlock2", "", {"EAGAIN", "EINVAL", "ENOMEM", "EPERM"}, "lock", is::refused, is::degraded, "mlock;"},
        {"munmap", "", {"EINVAL", "ENOMEM"}, "", is::honoured, is::honoured, "", false},  // too late to tell anybody
        // The populating one: a kernel or a filter that does not know it, and one that fails in it.
        {"madvise", "", {"EINVAL", "EPERM", "ENOSYS"}, "", is::honoured, is::honoured, "", false},
        {"madvise", "", {"EACCES", "EAGAIN", "EBADF", "EFAULT", "EHWPOISON", "EIO", "ENOMEM"}, "", is::refused, is::refused, "",
         false},
        // The advice comes first: a kernel without transparent pages has base pages only, other answers are losses.
        {"madvise", ":when=1", {"EINVAL"}, "base", is::honoured, is::honoured, "", false},
        {"madvise", ":when=1", {"EPERM", "ENOSYS", "EACCES", "ENOMEM", "EIO"}, "base", is::refused, is::degraded, "madvise;", false},
        {"sched_setaffinity", "", {"EFAULT", "EINVAL", "EPERM", "ESRCH"}, "pinned", is::refused, is::degraded, "prefault;"},
        {"/^clone3?$", "", {"EAGAIN", "EPERM"}, "pinned", is::refused, is::degraded, "prefault;", false},
    };
    return rows;
}

answers probe(const row& r, const std::string& error, const std::string& enforcement) {
    return run(under_fault("'" NUMASIO_MEMORY_PROBE "' " + enforcement + " " + r.options, r.call, error + r.which));
}

void expect(is wanted, const answers& got, int number, const char* lost) {
    const auto made = got.at("made");
    switch (wanted) {
        case is::refused: EXPECT_EQ(made, "system:" + std::to_string(number)); break;
        case is::unknown_pages: EXPECT_EQ(made, "numasio:" + std::to_string(static_cast<int>(errc::pages_unknown))); break;
        case is::honoured:
            EXPECT_EQ(made, "ok");
            EXPECT_EQ(got.at("outcome"), "honoured");
            break;
        case is::degraded:
            EXPECT_EQ(made, "ok");
            EXPECT_EQ(got.at("outcome"), "degraded");
            EXPECT_EQ(got.at("lost"), lost);
            break;
    }
    if (made == "ok") { EXPECT_EQ(got.at("usable"), "yes"); }
}

TEST(memory_faults, each_call_and_errno_is_a_typed_error_or_a_fallback_that_is_told_and_leaves_no_mapping) {
    for (const row& r : table()) {
        // Its own start-up ends the program where some calls are refused.
        if (sanitized && !r.fits_sanitizers) { continue; }
        for (const char* error : r.errors) {
            for (const bool strict : {true, false}) {
                SCOPED_TRACE(std::string(r.call) + r.which + " " + error + (strict ? " strict" : " best effort"));
                const auto got = probe(r, error, strict ? "strict" : "best_effort");
                expect(strict ? r.strict : r.best_effort, got, numbers.at(error), r.lost);
                if (std::string(r.call) != "munmap") { EXPECT_EQ(got.at("left"), "nothing"); }
            }
        }
    }
}

TEST(memory_faults, without_a_fault_every_option_is_honoured) {
    for (const char* options : {"", "base", "lock", "pinned", "base lock pinned"}) {
        const auto got = run(std::string("'" NUMASIO_MEMORY_PROBE "' strict ") + options);
        EXPECT_EQ(got.at("outcome"), "honoured") << options;
        EXPECT_EQ(got.at("left"), "nothing") << options;
    }
}

/// The number of the probe's `call` whose arguments hold `text`: the one that is for the region of 48 MiB.
std::string number_of(const std::string& call, const std::string& text) {
    const std::string log = ::testing::TempDir() + "numasio_" + call + ".log";
    run("ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o '" + log + "' -e trace=" + call + " '" NUMASIO_MEMORY_PROBE "' strict");
    std::ifstream in(log);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        if (line.find(call + "(") == std::string::npos) { continue; }
        ++number;
        if (line.find(text) != std::string::npos) { return std::to_string(number); }
    }
    ADD_FAILURE() << "no " << call << " with " << text << " in " << log;
    return "1";
}

TEST(memory_faults, a_refused_mmap_is_the_kernels_errno_under_either_enforcement) {
    // With room for the alignment and the two guard pages.
    const std::string which = ":when=" + number_of("mmap", "NULL, 52436992, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0");
    for (const char* error : {"EACCES", "EAGAIN", "EBADF", "EINVAL", "ENFILE", "ENODEV", "ENOMEM", "EPERM"}) {
        for (const char* enforcement : {"strict", "best_effort"}) {
            const auto got = run(under_fault(std::string("'" NUMASIO_MEMORY_PROBE "' ") + enforcement, "mmap", error + which));
            EXPECT_EQ(got.at("made"), "system:" + std::to_string(numbers.at(error))) << error << ' ' << enforcement;
            EXPECT_EQ(got.at("left"), "nothing");
        }
    }
}

TEST(memory_faults, a_refused_mprotect_is_the_kernels_errno_under_either_enforcement) {
    const std::string which = ":when=" + number_of("mprotect", "50331648, PROT_READ|PROT_WRITE");
    for (const char* error : {"EACCES", "EINVAL", "ENOMEM"}) {
        for (const char* enforcement : {"strict", "best_effort"}) {
            const auto got = run(under_fault(std::string("'" NUMASIO_MEMORY_PROBE "' ") + enforcement, "mprotect", error + which));
            EXPECT_EQ(got.at("made"), "system:" + std::to_string(numbers.at(error))) << error << ' ' << enforcement;
            EXPECT_EQ(got.at("left"), "nothing");
        }
    }
}

TEST(memory_faults, a_kernel_that_refuses_weighted_interleave_is_told_by_type_or_given_interleave) {
    const std::string program = "'" NUMASIO_MEMORY_PROBE "' weighted ";
    const auto strict = run(under_fault(program + "strict", "mbind", "EINVAL:when=1"));
    EXPECT_EQ(strict.at("made"), "numasio:" + std::to_string(static_cast<int>(errc::policy_unknown)));
    EXPECT_EQ(strict.at("left"), "nothing");
    const auto loose = run(under_fault(program + "best_effort", "mbind", "EINVAL:when=1"));
    EXPECT_EQ(loose.at("outcome"), "degraded");
    EXPECT_EQ(loose.at("bound"), "yes");
    EXPECT_EQ(loose.at("lost"), "mbind;");
}

TEST(memory_faults, a_refused_migration_leaves_the_region_as_it_was) {
    for (const char* error : {"EFAULT", "EINVAL", "EIO", "ENOMEM", "EPERM", "ENOSYS"}) {
        const auto got = run(under_fault("'" NUMASIO_MEMORY_PROBE "' strict migrate", "mbind", std::string(error) + ":when=2+"));
        EXPECT_EQ(got.at("migrate"), "system:" + std::to_string(numbers.at(error)));
        EXPECT_EQ(got.at("outcome"), "honoured");
        EXPECT_EQ(got.at("usable"), "yes");
    }
}

TEST(memory_faults, a_migration_whose_audit_is_refused_is_not_believed) {
    // 48 MiB are twelve queries; the next are the migration's.
    const auto got = run(under_fault("'" NUMASIO_MEMORY_PROBE "' strict migrate", "move_pages", "EPERM:when=13+"));
    EXPECT_EQ(got.at("made"), "ok");
    EXPECT_EQ(got.at("migrate"), "numasio:" + std::to_string(static_cast<int>(errc::pages_unknown)));
    EXPECT_EQ(got.at("outcome"), "degraded");
}

}  // namespace
