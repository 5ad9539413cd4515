// What a readable_set takes from the kernel: io_uring where it is asked for and there, epoll where it is refused; and what polls of an io_uring are not to change.
#include "src/platform/call_trials.hpp"
#include "src/platform/edge_set.hpp"
#include "support/readable_sets.hpp"
#include "support/strace.hpp"

#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

namespace numasio {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::Pair;

constexpr const char* probe = "'" NUMASIO_READABLE_SET_PROBE "'";

/// Whether this build and this kernel have what a set by io_uring needs.
bool is_granted() {
    utsname kernel{};
    int major = 0, minor = 0;
    ::uname(&kernel);
    const bool is_new = std::sscanf(kernel.release, "%d.%d", &major, &minor) == 2 && std::pair(major, minor) >= std::pair(6, 1);
    return NUMASIO_HAS_IO_URING && is_new && platform::try_in_child([] { return platform::try_io_uring(); }).error == 0;
}

TEST(readable_set_backend, is_io_uring_where_the_kernel_lets_it_and_epoll_where_nobody_asks) {
    const char* wanted = is_granted() ? "io_uring" : "epoll";
    const auto got = test::run(probe);
    EXPECT_EQ(got.at("asked"), wanted);
    EXPECT_EQ(got.at("worker"), wanted);
    EXPECT_EQ(got.at("unasked"), "epoll");
    EXPECT_EQ(got.at("heard"), "1");
    EXPECT_EQ(got.at("from_a_thread"), "111");
}

TEST(readable_set_backend, is_epoll_where_io_uring_is_refused) {
    for (const char* call : {"io_uring_setup", "io_uring_enter", "io_uring_register"}) {
        for (const char* error : {"EPERM", "ENOSYS"}) {
            const auto got = test::run(test::under_fault(probe, call, error));
            EXPECT_EQ(got.at("asked"), "epoll") << call << ": " << error;
            EXPECT_EQ(got.at("worker"), "epoll") << call << ": " << error;
            EXPECT_EQ(got.at("heard"), "1") << call << ": " << error;
        }
    }
}

/// Of the probe's first thread the third is a removal, the fourth begins a poll anew whose thread has ended.
TEST(readable_set_backend, asks_again_for_what_the_kernel_has_no_memory_for) {
    for (const char* calls : {"3", "4", "3..8"}) {
        const auto got = test::run(test::under_fault(probe, "io_uring_enter", std::string("EAGAIN:when=") + calls));
        EXPECT_EQ(got.at("heard"), "1") << calls;
        EXPECT_EQ(got.at("from_a_thread"), "111") << calls;
    }
}

class ReadableSetBackend : public test::readable_sets {
protected:
    static bool has_no_other_side(boost::asio::local::stream_protocol::socket& one) {
        pollfd look{one.native_handle(), POLLIN, 0};
        return ::poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
    }
};

INSTANTIATE_TEST_SUITE_P(both, ReadableSetBackend, test::both_backends, test::backend_name);

TEST_P(ReadableSetBackend, hears_on_behind_more_arrivals_than_it_has_room_for) {
    constexpr int arrivals = 40'000;
    auto& one = connect();
    auto& other = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    EXPECT_FALSE(set->add(other.ours.native_handle(), 2));
    for (int i = 0; i < arrivals; ++i) {
        asio::write(one.theirs, asio::buffer("x", 1));
        ASSERT_EQ(read(one.ours), "x");
    }
    asio::write(other.theirs, asio::buffer("y", 1));
    EXPECT_THAT(told_soon(), testing::Contains(Pair(2, false)));
    for (int i = 0; i < 3; ++i) {
        asio::write(one.theirs, asio::buffer("z", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(1, false)));
        EXPECT_EQ(read(one.ours), "z");
    }
}

TEST_P(ReadableSetBackend, tells_once_what_came_in_several_parts_with_the_end_behind_them) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    for (int i = 0; i < 3; ++i) { asio::write(one.theirs, asio::buffer("x", 1)); }
    EXPECT_THAT(told_soon(), ElementsAre(Pair(1, false)));
    asio::write(one.theirs, asio::buffer("x", 1));
    one.theirs.shutdown(boost::asio::local::stream_protocol::socket::shutdown_send);
    EXPECT_THAT(told_soon(), ElementsAre(Pair(1, true)));
    EXPECT_EQ(read(one.ours), "xxxx");
}

TEST_P(ReadableSetBackend, hears_of_a_socket_whose_adding_thread_has_ended) {
    auto& one = connect();
    std::thread([&] { EXPECT_FALSE(set->add(one.ours.native_handle(), 1)); }).join();
    for (int i = 0; i < 3; ++i) {
        asio::write(one.theirs, asio::buffer("x", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(1, false)));
        EXPECT_EQ(read(one.ours), "x");
    }
}

TEST_P(ReadableSetBackend, lets_go_of_a_socket_at_its_removal_and_of_all_at_its_end) {
    auto& removed = connect();
    auto& still_there = connect();
    EXPECT_FALSE(set->add(removed.ours.native_handle(), 1));
    EXPECT_FALSE(set->add(still_there.ours.native_handle(), 2));
    leave(removed.ours);
    EXPECT_TRUE(has_no_other_side(removed.theirs));
    set.reset();
    still_there.ours.close();
    EXPECT_TRUE(has_no_other_side(still_there.theirs));
}

TEST_P(ReadableSetBackend, is_not_held_up_by_a_member_that_was_closed) {
    auto& closed = connect();
    auto& other = connect();
    std::thread([&] { EXPECT_FALSE(set->add(closed.ours.native_handle(), 1)); }).join();
    EXPECT_FALSE(set->add(other.ours.native_handle(), 2));
    closed.ours.close();
    error_code ignored;
    asio::write(closed.theirs, asio::buffer("x", 1), ignored);
    static_cast<void>(told_soon());
    asio::write(other.theirs, asio::buffer("x", 1));
    EXPECT_THAT(told_soon(), ElementsAre(Pair(2, false)));
}

TEST_P(ReadableSetBackend, refuses_what_cannot_be_waited_for) {
    for (const char* name : {"/dev/null", "/proc/self/exe"}) {
        const int file = ::open(name, O_RDONLY | O_CLOEXEC);
        ASSERT_GE(file, 0);
        EXPECT_EQ(set->add(file, 1), boost::system::errc::operation_not_permitted) << name;
        ::close(file);
    }
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 2));
    asio::write(one.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(2, false)));
}

/// What a worker's set has, whose thread makes no system call between an arrival and the removal.
TEST_P(ReadableSetBackend, lets_go_of_a_socket_that_has_something_to_tell_at_its_removal) {
    error_code ec;
    auto edges = GetParam() == poll_backend::io_uring ? platform::make_uring_set(true, ec) : nullptr;
    if (!edges) { edges = platform::make_epoll_set(ec); }
    ASSERT_TRUE(edges);
    for (int round = 0; round < 100; ++round) {
        auto& one = connect();
        ASSERT_FALSE(edges->watch(one.ours.native_handle(), 1));
        std::atomic<int> step{0};
        std::thread writer([&] {
            while (step.load() != 1) {}
            asio::write(one.theirs, asio::buffer("x", 1));
            step = 2;
        });
        step = 1;
        while (step.load() != 2) {}
        EXPECT_TRUE(edges->forget(one.ours.native_handle()));
        one.ours.close();
        writer.join();
        for (int tries = 0; tries < 1000 && !has_no_other_side(one.theirs); ++tries) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
        ASSERT_TRUE(has_no_other_side(one.theirs)) << round;
    }
}

TEST_P(ReadableSetBackend, refuses_a_socket_that_is_a_member) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    EXPECT_EQ(set->add(one.ours.native_handle(), 2), boost::system::errc::file_exists);
    asio::write(one.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, false)));
}

TEST_P(ReadableSetBackend, refuses_a_number_that_is_no_open_file_and_takes_it_once_it_is) {
    const int number = ::fcntl(0, F_DUPFD_CLOEXEC, 500);
    ASSERT_GE(number, 500);
    ::close(number);
    EXPECT_EQ(set->add(number, 1), boost::system::errc::bad_file_descriptor);
    auto& one = connect();
    ASSERT_EQ(::dup2(one.ours.native_handle(), number), number);
    EXPECT_FALSE(set->add(number, 2));
    asio::write(one.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(2, false)));
    set->remove(number);
    ::close(number);
}

TEST_P(ReadableSetBackend, hears_on_behind_the_end_of_a_forked_child_that_has_used_it) {
    auto& one = connect();
    auto& childs = connect();
    auto& next = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    asio::write(childs.theirs, asio::buffer("x", 1));
    const pid_t child = ::fork();
    if (child == 0) {
        const auto ec = set->add(childs.ours.native_handle(), 2);
        ::_exit(set->backend() == poll_backend::io_uring ? ec != errc::forked : ec.failed());
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    static_cast<void>(told_soon());
    EXPECT_FALSE(set->add(next.ours.native_handle(), 3));
    for (auto [who, id] : {std::pair(&one, 1), std::pair(&next, 3)}) {
        asio::write(who->theirs, asio::buffer("x", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(id, false)));
    }
}

}  // namespace
}  // namespace numasio
