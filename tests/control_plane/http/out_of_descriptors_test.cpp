// Descriptors run out: the server pauses instead of spinning, and serves again once there are some.
#include "raw_client.hpp"
#include "running_server.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

TEST(out_of_descriptors, pauses_instead_of_spinning_and_serves_again_afterwards) {
    running_server running;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit few = before;
    few.rlim_cur = 128;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    std::vector<int> taken;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) { taken.push_back(fd); }
    ASSERT_FALSE(taken.empty());
    ::close(taken.back());  // the client's own; the server finds none left
    taken.pop_back();

    raw_client client(running.port());
    client.send(get("/healthz"));
    const auto cpu_before = cpu_time();
    const auto failed_before = running.server().failed_accepts();
    std::this_thread::sleep_for(1s);
    const auto used = cpu_time() - cpu_before;
    const auto failed = running.server().failed_accepts() - failed_before;

    for (const int fd : taken) { ::close(fd); }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_GE(failed, 5U) << "it goes on trying";
    EXPECT_LE(failed, 11U) << "every 100 ms, no more";
    EXPECT_LT(used, 100ms);
    EXPECT_EQ(status_of(client.read_reply()), 200U) << "the waiting client is served in the end";
}

}  // namespace
}  // namespace numasio::test
