// Many sockets, one wait: each arrival and each end is told, nothing is told of who has gone, and a set without members keeps no context running.
#include "support/reactor_pools.hpp"
#include "support/readable_sets.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <linux/net_tstamp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace numasio {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ReadableSet : public test::readable_sets {};

INSTANTIATE_TEST_SUITE_P(both, ReadableSet, test::both_backends, test::backend_name);

TEST_P(ReadableSet, tells_each_arrival_once_also_what_is_there_already) {
    auto& early = connect();
    auto& late = connect();
    asio::write(early.theirs, asio::buffer("abc", 3));
    EXPECT_FALSE(set->add(early.ours.native_handle(), 7));
    EXPECT_FALSE(set->add(late.ours.native_handle(), 8));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
    io.poll();
    EXPECT_THAT(told, IsEmpty()) << "it was told, though nobody has read it";
    asio::write(late.theirs, asio::buffer("d", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(8, false)));
    EXPECT_EQ(read(early.ours), "abc");
    asio::write(early.theirs, asio::buffer("e", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
}

TEST_P(ReadableSet, tells_an_end_with_what_comes_before_it_or_alone) {
    auto& both = connect();
    auto& alone = connect();
    asio::write(both.theirs, asio::buffer("abc", 3));
    both.theirs.close();
    EXPECT_FALSE(set->add(both.ours.native_handle(), 1));
    EXPECT_FALSE(set->add(alone.ours.native_handle(), 2));
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, true)));
    EXPECT_EQ(read(both.ours), "abc");
    EXPECT_EQ(read(both.ours), "");
    alone.theirs.close();
    EXPECT_THAT(next_told(), ElementsAre(Pair(2, true)));
}

TEST_P(ReadableSet, tells_the_end_of_one_direction_with_what_comes_before_it) {
    auto& one = connect();
    asio::write(one.theirs, asio::buffer("abc", 3));
    one.theirs.shutdown(stream_protocol::socket::shutdown_send);
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, true)));
    EXPECT_EQ(read(one.ours), "abc");
    EXPECT_EQ(read(one.ours), "");
}

TEST_P(ReadableSet, tells_a_reset_a_hang_up_and_a_waiting_error_as_something_to_read_to_the_end) {
    auto [reset, theirs] = connect_tcp();
    EXPECT_FALSE(set->add(reset.native_handle(), 1));
    theirs.set_option(asio::socket_base::linger(true, 0));
    theirs.close();
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, true)));
    char byte = 0;
    error_code ec;
    reset.read_some(asio::buffer(&byte, 1), ec);
    EXPECT_EQ(ec, asio::error::connection_reset);

    tcp::socket never_connected(io, tcp::v4());  // hung up, without an end
    EXPECT_FALSE(set->add(never_connected.native_handle(), 2));
    EXPECT_THAT(next_told(), ElementsAre(Pair(2, true)));

    auto [sender, receiver] = connect_tcp();
    const unsigned when_sent = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;  // comes as an error, without an end
    ASSERT_EQ(::setsockopt(sender.native_handle(), SOL_SOCKET, SO_TIMESTAMPING, &when_sent, sizeof when_sent), 0);
    EXPECT_FALSE(set->add(sender.native_handle(), 3));
    asio::write(sender, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(3, true)));
    sender.read_some(asio::buffer(&byte, 1), ec);
    EXPECT_EQ(ec, asio::error::would_block);
}

TEST_P(ReadableSet, keeps_behind_a_throw_what_it_knows_of_the_end) {
    set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
        if (std::exchange(first, false)) { throw std::runtime_error("no"); }
        told.emplace_back(id, all);
    }, GetParam());
    for (std::uint64_t id = 0; id < 4; ++id) {
        auto& one = connect();
        asio::write(one.theirs, asio::buffer("x", 1));
        if (id % 2 == 1) { one.theirs.close(); }
        EXPECT_FALSE(set->add(one.ours.native_handle(), id));
    }
    EXPECT_THROW(io.run_for(std::chrono::seconds(10)), std::runtime_error);
    EXPECT_THAT(told_soon(), ElementsAre(Pair(1, true), Pair(2, false), Pair(3, true)));
}

TEST_P(ReadableSet, goes_on_where_a_handler_removes_others_and_adds_one_with_the_number_of_one) {
    std::array<pair*, 3> members{&connect(), &connect(), &connect()};
    set.emplace(io.get_executor(), [&](std::uint64_t id, bool all) {
        told.emplace_back(id, all);
        if (told.size() > 1) { return; }
        const int number = members[0]->ours.native_handle();
        for (auto* one : members) { leave(one->ours); }
        auto& next = connect();
        EXPECT_EQ(next.ours.native_handle(), number);
        members[0] = &next;
        asio::write(next.theirs, asio::buffer("x", 1));
        EXPECT_FALSE(set->add(number, 9));
    }, GetParam());
    for (std::uint64_t id = 0; id < members.size(); ++id) {
        asio::write(members[id]->theirs, asio::buffer("x", 1));
        EXPECT_FALSE(set->add(members[id]->ours.native_handle(), id));
    }
    const auto what = told_soon();
    EXPECT_THAT(what, testing::UnorderedElementsAre(Pair(0, false), Pair(1, false), Pair(2, false), Pair(9, false))) << "the removed ones, in the same turn only";
    EXPECT_EQ(what.back().first, 9u);
    told.emplace_back(0, false);
    EXPECT_EQ(read(members[0]->ours), "x");
    asio::write(members[0]->theirs, asio::buffer("y", 1));
    EXPECT_THAT(told_soon(), ElementsAre(Pair(0, false), Pair(9, false)));
    leave(members[0]->ours);
    io.restart();
    io.run_for(std::chrono::seconds(10));
    EXPECT_TRUE(io.stopped()) << "it waits for nobody";
}

TEST_P(ReadableSet, without_members_lets_its_context_end_and_goes_on_with_the_next) {
    EXPECT_EQ(io.run(), 0u);
    for (int round = 0; round < 3; ++round) {
        auto& one = connect();
        EXPECT_FALSE(set->add(one.ours.native_handle(), 5));
        leave(one.ours);
        if (round == 1) {  // before the last wait has ended
            auto& next = connect();
            EXPECT_FALSE(set->add(next.ours.native_handle(), 6));
            asio::write(next.theirs, asio::buffer("x", 1));
            io.restart();
            EXPECT_THAT(next_told(), ElementsAre(Pair(6, false)));
            leave(next.ours);
        }
        io.restart();
        io.run_for(std::chrono::seconds(10));
        EXPECT_TRUE(io.stopped()) << "it waits for nobody";
    }
    EXPECT_THAT(told, IsEmpty());
}

/// A read stops at urgent data, so that one which gives little has not read all.
TEST_P(ReadableSet, says_where_a_read_that_gives_little_has_not_read_all) {
    auto [ours, theirs] = connect_tcp();
    EXPECT_FALSE(set->add(ours.native_handle(), 7));
    asio::write(theirs, asio::buffer("a", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
    EXPECT_EQ(read(ours), "a");
    for (int round = 0; round < 3; ++round) {
        asio::write(theirs, asio::buffer("bc", 2));
        theirs.send(asio::buffer("!", 1), asio::socket_base::message_out_of_band);
        asio::write(theirs, asio::buffer("d", 1));
        const auto what = next_told();
        ASSERT_THAT(what, testing::Not(IsEmpty()));
        EXPECT_THAT(what.back(), Pair(7, set->backend() == poll_backend::epoll)) << "io_uring does not tell urgent data";
        EXPECT_EQ(read(ours), "bc");
        EXPECT_EQ(read(ours), "d");
        EXPECT_THAT(told_soon(), IsEmpty());
    }
    asio::write(theirs, asio::buffer("e", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
}

TEST_P(ReadableSet, forgets_a_member_whose_file_stays_open_elsewhere) {
    auto& one = connect();
    auto& next = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 7));
    const int elsewhere = ::dup(one.ours.native_handle());
    leave(one.ours);
    EXPECT_FALSE(set->add(next.ours.native_handle(), 7));
    asio::write(one.theirs, asio::buffer("x", 1));
    EXPECT_THAT(told_soon(), IsEmpty());
    one.theirs.close();
    EXPECT_THAT(told_soon(), IsEmpty());
    asio::write(next.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
    ::close(elsewhere);
}

TEST_P(ReadableSet, hears_on_where_what_is_no_member_is_removed) {
    auto& gone = connect();
    auto& stays = connect();
    for (const int not_yet : {gone.ours.native_handle(), -1}) { set->remove(not_yet); }
    EXPECT_FALSE(set->add(gone.ours.native_handle(), 1));
    EXPECT_FALSE(set->add(stays.ours.native_handle(), 2));
    for (int i = 0; i < 3; ++i) { set->remove(gone.ours.native_handle()); }
    asio::write(gone.theirs, asio::buffer("x", 1));
    asio::write(stays.theirs, asio::buffer("x", 1));
    EXPECT_THAT(told_soon(), ElementsAre(Pair(2, false)));
    for (int i = 0; i < 2; ++i) { set->remove(stays.ours.native_handle()); }
    io.restart();
    EXPECT_EQ(io.run_for(std::chrono::seconds(10)), 1u) << "the wait that was ended";
    EXPECT_TRUE(io.stopped()) << "it waits for nobody";
    EXPECT_FALSE(set->add(gone.ours.native_handle(), 3));
    EXPECT_THAT(next_told(), ElementsAre(Pair(3, false))) << "what was there already";
}

TEST_P(ReadableSet, tells_again_what_it_is_asked_to_in_a_later_turn) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 9));
    set->tell_again(9);
    set->tell_again(4711);
    EXPECT_THAT(told, IsEmpty());
    io.poll();
    EXPECT_THAT(told, ElementsAre(Pair(9, false), Pair(4711, false)));
}

TEST_P(ReadableSet, tells_the_others_where_the_telling_of_one_throws) {
    int throws = 2;
    set.emplace(io.get_executor(), [&](std::uint64_t id, bool all) {
        if (throws-- > 0) { throw std::runtime_error("no"); }
        told.emplace_back(id, all);
    }, GetParam());
    for (std::uint64_t id = 0; id < 4; ++id) {
        auto& one = connect();
        asio::write(one.theirs, asio::buffer("x", 1));
        EXPECT_FALSE(set->add(one.ours.native_handle(), id));
    }
    for (int round = 0; round < 2; ++round) { EXPECT_THROW(io.run_for(std::chrono::seconds(10)), std::runtime_error); }
    EXPECT_THAT(told_soon(), testing::SizeIs(2));
    auto& late = connect();
    EXPECT_FALSE(set->add(late.ours.native_handle(), 9));
    asio::write(late.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(9, false)));
}

TEST_P(ReadableSet, refuses_what_is_no_socket_and_stays_without_it) {
    EXPECT_EQ(set->add(-1, 1), boost::system::errc::bad_file_descriptor);
    EXPECT_EQ(io.run(), 0u);
}

TEST_P(ReadableSet, calls_nobody_once_it_is_destroyed) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 9));
    asio::write(one.theirs, asio::buffer("x", 1));
    set->tell_again(9);
    set.reset();
    io.run();
    EXPECT_THAT(told, IsEmpty());
}

class ReadableSetOnAStrand : public testing::TestWithParam<poll_backend> {};

INSTANTIATE_TEST_SUITE_P(both, ReadableSetOnAStrand, test::both_backends, test::backend_name);

TEST_P(ReadableSetOnAStrand, hears_each_arrival_whichever_thread_ends_the_wait) {
    constexpr int rounds = 2000;
    asio::io_context io;
    asio::io_context control;
    stream_protocol::socket ours(io), theirs(control);
    asio::local::connect_pair(ours, theirs);
    ours.non_blocking(true);
    const auto strand = asio::make_strand(io);
    std::optional<readable_set> set;
    set.emplace(strand, [&](std::uint64_t, bool) {
        char byte = 0;
        error_code ec;
        if (ours.read_some(asio::buffer(&byte, 1), ec) == 1) { asio::write(ours, asio::buffer(&byte, 1)); }
    }, GetParam());
    asio::post(strand, [&] { EXPECT_FALSE(set->add(ours.native_handle(), 1)); });
    std::array<std::thread, 2> threads;
    for (auto& one : threads) {
        one = std::thread([&] { io.run(); });
    }
    const timeval longest{10, 0};
    EXPECT_EQ(::setsockopt(theirs.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest), 0);
    for (int round = 0; round < rounds; ++round) {
        char byte = 'x';
        asio::write(theirs, asio::buffer(&byte, 1));
        ssize_t n = -1;
        do {
            n = ::recv(theirs.native_handle(), &byte, 1, 0);
        } while (n < 0 && errno == EINTR);  // by an io_uring that has ended a moment ago
        const bool heard = n == 1;
        EXPECT_TRUE(heard) << round;
        if (!heard) { break; }
    }
    io.stop();
    for (auto& one : threads) { one.join(); }
    set.reset();
}

class ReadableSetOnReactors : public testing::TestWithParam<poll_backend> {};

INSTANTIATE_TEST_SUITE_P(both, ReadableSetOnReactors, test::both_backends, test::backend_name);

TEST_P(ReadableSetOnReactors, answers_all_of_many_connections) {
    constexpr std::uint64_t connections = 100;  // more than one look takes
    constexpr int rounds = 50;
    test::reactors_here here(1);
    const auto at = here.pool.on(0);
    using socket = asio::basic_stream_socket<stream_protocol, reactor_executor>;
    std::deque<socket> served;
    std::optional<readable_set> set;
    asio::io_context control;
    std::deque<stream_protocol::socket> clients;
    asio::post(at, asio::use_future([&] {
        set.emplace(at, [&](std::uint64_t id, bool) {
            std::array<char, 16> bytes;
            error_code ec;
            for (;;) {
                const auto n = served[id].read_some(asio::buffer(bytes), ec);
                if (ec) { return; }
                asio::write(served[id], asio::buffer(bytes, n), ec);
            }
        }, GetParam());
        for (std::uint64_t i = 0; i < connections; ++i) {
            auto& ours = served.emplace_back(at);
            asio::local::connect_pair(ours, clients.emplace_back(control));
            ours.non_blocking(true);
            EXPECT_FALSE(set->add(ours.native_handle(), i));
        }
    })).get();
    for (int round = 0; round < rounds; ++round) {
        for (auto& client : clients) { asio::write(client, asio::buffer("ping", 4)); }
        for (auto& client : clients) {
            std::array<char, 4> back;
            ASSERT_EQ(asio::read(client, asio::buffer(back)), 4u);
            ASSERT_EQ(std::string(back.data(), 4), "ping");
        }
    }
    asio::post(at, asio::use_future([&] {
        for (auto& one : served) {
            set->remove(one.native_handle());
            one.close();
        }
        set.reset();
        served.clear();
    })).get();
    EXPECT_EQ(here.pool.stop(std::chrono::seconds(10)), 0u);
}

}  // namespace
}  // namespace numasio
