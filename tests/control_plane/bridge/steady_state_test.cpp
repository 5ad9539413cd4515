// With 64 calls in flight neither worker nor caller takes a lock or makes a system call; what Asio does is counted apart. Told by a tracer and by locks that are interposed.
#include "support/strace.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace numasio::test {
namespace {

struct found {
    answers told;
    std::map<std::string, int> by_worker, by_caller;  // system calls between the marks
    long long number(const std::string& key) const { return std::stoll(told.at(key)); }
};

found trace(const std::string& control, const std::string& size) {
    const auto file = std::filesystem::temp_directory_path() / ("numasio-steady-" + std::to_string(::getpid()) + "-" + control + "-" + size);
    found all;
    all.told = run("strace -f -qq -e signal=none -o " + file.string() + " " + NUMASIO_STEADY_PROBE + " " + control + " " + size);
    std::ifstream in(file);
    bool inside = false;
    int marks = 0;
    for (std::string thread, rest; in >> thread && std::getline(in, rest);) {
        if (rest.find("steady-state-") != rest.npos) {
            inside = rest.find("begins") != rest.npos;
            ++marks;
            continue;
        }
        const auto first = rest.find_first_not_of(' ');
        if (!inside || first == rest.npos || rest[first] == '<') { continue; }  // the end of a call that began before
        const auto name = rest.substr(first, rest.find('(') - first);
        if (thread == all.told["worker"]) { ++all.by_worker[name]; }
        if (thread == all.told["caller"]) { ++all.by_caller[name]; }
    }
    EXPECT_EQ(marks, 2) << "the trace is whole";
    std::filesystem::remove(file);
    return all;
}

std::string shown(const std::map<std::string, int>& calls) {
    std::string text;
    for (const auto& [name, count] : calls) { text += name + " " + std::to_string(count) + "; "; }
    return text;
}

class steady_state : public ::testing::TestWithParam<const char*> {};

TEST_P(steady_state, takes_no_lock_and_makes_no_system_call) {
    const auto seen = trace("own", GetParam());
    EXPECT_GE(seen.number("ran"), 50'000);
    EXPECT_EQ(shown(seen.by_worker), "");
    EXPECT_EQ(shown(seen.by_caller), "");
    EXPECT_EQ(seen.number("worker_locks"), 0);
    EXPECT_EQ(seen.number("caller_locks"), 0);
    EXPECT_EQ(seen.number("parks") + seen.number("doorbells"), 0);
    EXPECT_LE(seen.number("posts"), seen.number("batches"));
    EXPECT_LE(seen.number("batches"), seen.number("ran"));
}

TEST_P(steady_state, on_an_io_context_makes_no_system_call_but_its) {
    const auto seen = trace("asio", GetParam());
    EXPECT_GE(seen.number("ran"), 50'000);
    EXPECT_EQ(seen.number("parks") + seen.number("doorbells"), 0) << "these are our own";
    for (const auto& [name, count] : seen.by_worker) {
        // Asio's scheduler: its wake-up by eventfd, its mutex and condition where two threads meet there.
        EXPECT_TRUE(name == "write" || name == "futex") << shown(seen.by_worker);
        if (name == "write") { EXPECT_LE(count, seen.number("batches")); }
    }
}

/// The same eyes on a worker that does sleep.
TEST_P(steady_state, is_told_from_a_worker_that_sleeps) {
    auto seen = trace("parked", GetParam());
    EXPECT_GT(seen.number("parks"), 0);
    EXPECT_GT(seen.by_worker["futex"], 0) << shown(seen.by_worker);
    EXPECT_GT(seen.by_caller["futex"], 0) << shown(seen.by_caller);
}

INSTANTIATE_TEST_SUITE_P(of, steady_state, ::testing::Values("small", "large"), [](const auto& of_cells) { return std::string(of_cells.param) + "_cells"; });

}  // namespace
}  // namespace numasio::test
