// Many sockets, one wait: each arrival and each end is told, nothing is told of who has gone, and a set without members keeps no context running.
#include <numasio/readable_set.hpp>

#include "support/reactor_pools.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace numasio {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ReadableSet : public testing::Test {
protected:
    struct pair {
        explicit pair(asio::io_context& io) : ours(io), theirs(io) {
            asio::local::connect_pair(ours, theirs);
            ours.non_blocking(true);
        }
        stream_protocol::socket ours, theirs;
    };
    pair& connect() { return pairs_.emplace_back(io); }
    static std::string read(stream_protocol::socket& from, std::size_t most = 100) {
        std::string text(most, '\0');
        error_code ec;
        text.resize(from.read_some(asio::buffer(text), ec));
        return text;
    }

    std::vector<std::pair<std::uint64_t, bool>> next_told() {
        while (told.empty()) { io.run_one(); }
        return std::exchange(told, {});
    }

    asio::io_context io;
    std::vector<std::pair<std::uint64_t, bool>> told;
    std::optional<readable_set> set{std::in_place, io.get_executor(), [this](std::uint64_t id, bool ends) { told.emplace_back(id, ends); }};

private:
    std::deque<pair> pairs_;
};

TEST_F(ReadableSet, tells_each_arrival_once_also_what_is_there_already) {
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

TEST_F(ReadableSet, tells_an_end_with_what_comes_before_it_or_alone) {
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

TEST_F(ReadableSet, without_members_lets_its_context_end_and_goes_on_with_the_next) {
    EXPECT_EQ(io.run(), 0u);
    for (int round = 0; round < 3; ++round) {
        auto& one = connect();
        EXPECT_FALSE(set->add(one.ours.native_handle(), 5));
        one.ours.close();
        set->remove();
        if (round == 1) {  // before the last wait has ended
            auto& next = connect();
            EXPECT_FALSE(set->add(next.ours.native_handle(), 6));
            asio::write(next.theirs, asio::buffer("x", 1));
            io.restart();
            EXPECT_THAT(next_told(), ElementsAre(Pair(6, false)));
            next.ours.close();
            set->remove();
        }
        io.restart();
        io.run();  // ends
    }
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(ReadableSet, tells_what_is_added_behind_one_removal_too_many) {
    set->remove();
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 3));
    asio::write(one.theirs, asio::buffer("x", 1));
    io.run_one_for(std::chrono::seconds(1));
    EXPECT_THAT(told, ElementsAre(Pair(3, false)));
}

TEST_F(ReadableSet, tells_again_what_it_is_asked_to_in_a_later_turn) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 9));
    set->tell_again(9);
    set->tell_again(4711);
    EXPECT_THAT(told, IsEmpty());
    io.poll();
    EXPECT_THAT(told, ElementsAre(Pair(9, false), Pair(4711, false)));
}

TEST_F(ReadableSet, tells_the_others_where_the_telling_of_one_throws) {
    int throws = 2;
    set.emplace(io.get_executor(), [&](std::uint64_t id, bool ends) {
        if (throws-- > 0) { throw std::runtime_error("no"); }
        told.emplace_back(id, ends);
    });
    for (std::uint64_t id = 0; id < 4; ++id) {
        auto& one = connect();
        asio::write(one.theirs, asio::buffer("x", 1));
        EXPECT_FALSE(set->add(one.ours.native_handle(), id));
    }
    for (int round = 0; round < 2; ++round) { EXPECT_THROW(io.run(), std::runtime_error); }
    EXPECT_THAT(next_told(), testing::SizeIs(2));
    auto& late = connect();
    EXPECT_FALSE(set->add(late.ours.native_handle(), 9));
    asio::write(late.theirs, asio::buffer("x", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(9, false)));
}

TEST_F(ReadableSet, refuses_what_is_no_socket_and_stays_without_it) {
    EXPECT_EQ(set->add(-1, 1), boost::system::errc::bad_file_descriptor);
    EXPECT_EQ(io.run(), 0u);
}

TEST_F(ReadableSet, calls_nobody_once_it_is_destroyed) {
    auto& one = connect();
    EXPECT_FALSE(set->add(one.ours.native_handle(), 9));
    asio::write(one.theirs, asio::buffer("x", 1));
    set->tell_again(9);
    set.reset();
    io.run();
    EXPECT_THAT(told, IsEmpty());
}

TEST(ReadableSetOnReactors, answers_all_of_many_connections) {
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
        });
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
            one.close();
            set->remove();
        }
        set.reset();
        served.clear();
    })).get();
    EXPECT_EQ(here.pool.stop(std::chrono::seconds(10)), 0u);
}

}  // namespace
}  // namespace numasio
