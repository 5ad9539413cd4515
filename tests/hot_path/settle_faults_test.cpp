// A worker's start under refused calls: the placement says what was lost, strict enforcement ends the start by name.
#include "support/strace.hpp"

#include <gmock/gmock.h>

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

numasio::test::answers start_without(const std::string& call, const std::string& error,
                                     const std::string& enforcement = "best_effort") {
    return numasio::test::run(
        numasio::test::under_fault("'" NUMASIO_SETTLE_PROBE "' " + enforcement, call, error));
}

TEST(settle, without_a_fault_everything_is_honoured_and_read_back) {
    const auto got = numasio::test::run("'" NUMASIO_SETTLE_PROBE "' strict 2>&1");
    EXPECT_EQ(got.at("start"), "ok");
    for (const char* subject : {"cpu", "thread_memory", "lane_memory", "service_memory"}) {
        EXPECT_THAT(got.at(subject), StartsWith("honoured; ")) << subject;
    }
    EXPECT_THAT(got.at("service_memory"), HasSubstr("asked 2048, unknown 0"));
    EXPECT_EQ(got.at("page_locality"), "1");
}

TEST(settle, pages_that_the_kernel_does_not_tell_of_are_never_honoured) {
    const auto got = start_without("move_pages", "EPERM");
    EXPECT_EQ(got.at("start"), "ok");
    for (const char* subject : {"lane_memory", "service_memory"}) {
        EXPECT_THAT(got.at(subject), AllOf(StartsWith("degraded; page locations unknown; "),
                                           HasSubstr("did not say where all pages are")));
    }
    EXPECT_EQ(got.at("page_locality"), "absent");
}

TEST(settle, some_pages_unknown_are_a_shortfall_too) {
    // The first query is of the lanes, the second of the service's first half; the third goes unanswered.
    const auto got = start_without("move_pages", "EPERM:when=3+");
    EXPECT_THAT(got.at("lane_memory"), StartsWith("honoured; "));
    EXPECT_THAT(got.at("service_memory"),
                AllOf(StartsWith("degraded; node "), HasSubstr("did not say where all pages are"),
                      HasSubstr("asked 2048, unknown 1024")));
    EXPECT_THAT(start_without("move_pages", "EPERM:when=3+", "strict").at("start"),
                AllOf(HasSubstr("p/0 on CPU "), HasSubstr("page audit"), HasSubstr("strict enforcement")));
}

TEST(settle, a_refused_mbind_degrades_and_ends_a_strict_start_with_worker_node_call_and_errno) {
    EXPECT_THAT(start_without("mbind", "EPERM").at("service_memory"),
                AllOf(StartsWith("degraded; "), HasSubstr("mbind: Operation not permitted")));
    EXPECT_THAT(start_without("/^(mbind|move_pages)$", "EPERM").at("service_memory"),
                StartsWith("degraded; page locations unknown; mbind: "));
    EXPECT_THAT(start_without("mbind", "EPERM", "strict").at("start"),
                AllOf(HasSubstr("p/0 on CPU "), HasSubstr("node "), HasSubstr("mbind"),
                      HasSubstr("Operation not permitted")));
}

TEST(settle, a_refused_pin_or_policy_degrades_and_ends_a_strict_start) {
    EXPECT_THAT(start_without("sched_setaffinity", "EPERM").at("cpu"),
                AllOf(StartsWith("degraded; "), HasSubstr("sched_setaffinity: Operation not permitted")));
    EXPECT_THAT(start_without("sched_setaffinity", "EINVAL", "strict").at("start"), HasSubstr("sched_setaffinity"));
    EXPECT_THAT(start_without("set_mempolicy", "EPERM").at("thread_memory"),
                AllOf(StartsWith("degraded; "), HasSubstr("set_mempolicy: Operation not permitted")));
    EXPECT_THAT(start_without("set_mempolicy", "EPERM", "strict").at("start"), HasSubstr("set_mempolicy"));
}

}  // namespace
