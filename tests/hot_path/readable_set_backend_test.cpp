// What a readable_set takes from the kernel: io_uring where it is asked for and there, epoll where it is refused; and what polls of an io_uring are not to change.
#include "src/platform/call_trials.hpp"
#include "support/readable_sets.hpp"
#include "support/strace.hpp"

#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace numasio {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::Pair;

constexpr const char* probe = "'" NUMASIO_READABLE_SET_PROBE "'";

TEST(readable_set_backend, is_io_uring_where_the_kernel_lets_it_and_epoll_where_nobody_asks) {
    const bool allowed = platform::try_in_child([] { return platform::try_io_uring(); }).error == 0;
    const auto got = test::run(probe);
    EXPECT_EQ(got.at("asked"), allowed ? "io_uring" : "epoll");
    EXPECT_EQ(got.at("worker"), allowed ? "io_uring" : "epoll");
    EXPECT_EQ(got.at("unasked"), "epoll");
    EXPECT_EQ(got.at("heard"), "1");
}

TEST(readable_set_backend, is_epoll_where_io_uring_is_refused) {
    for (const char* error : {"EPERM", "ENOSYS", "ENOMEM", "EINVAL"}) {
        const auto got = test::run(test::under_fault(probe, "io_uring_setup", error));
        EXPECT_EQ(got.at("asked"), "epoll") << error;
        EXPECT_EQ(got.at("worker"), "epoll") << error;
        EXPECT_EQ(got.at("heard"), "1") << error;
    }
}

class ReadableSetBackend : public test::readable_sets {
protected:
    static bool is_at_its_end(boost::asio::local::stream_protocol::socket& one) {
        char byte = 0;
        one.non_blocking(true);
        error_code ec;
        one.read_some(asio::buffer(&byte, 1), ec);
        return ec == asio::error::eof;
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
    EXPECT_TRUE(is_at_its_end(removed.theirs));
    set.reset();
    still_there.ours.close();
    EXPECT_TRUE(is_at_its_end(still_there.theirs));
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

TEST_P(ReadableSetBackend, hears_on_behind_the_end_of_a_forked_child) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    const pid_t child = ::fork();
    if (child == 0) { ::_exit(0); }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    asio::write(one.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, false)));
}

}  // namespace
}  // namespace numasio
