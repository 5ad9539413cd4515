// Many sockets, one wait: each arrival and each end is told, nothing is told of who has gone, and a set without members keeps no context running.
#include <numasio/readable_set.hpp>

#include "support/reactor_pools.hpp"

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
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <new>
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

namespace {
thread_local long granted_before_refusal = -1;  // how many allocations of this thread are granted before one is refused; below zero: all are

bool memory_granted() noexcept { return granted_before_refusal < 0 || granted_before_refusal-- != 0; }
}  // namespace

// Asio allocates by aligned_alloc. malloc itself belongs to the sanitizers. Inlined, they would be taken for a mismatch by gcc.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
    void* p = nullptr;
    return memory_granted() && ::posix_memalign(&p, alignment, n) == 0 ? p : nullptr;
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return memory_granted() ? std::malloc(n == 0 ? 1 : n) : nullptr; }
[[gnu::noinline]] void* operator new(std::size_t n) {
    if (void* p = operator new(n, std::nothrow)) { return p; }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace numasio {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
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
    std::pair<tcp::socket, tcp::socket> connect_tcp() {
        tcp::acceptor at(io, {asio::ip::address_v4::loopback(), 0});
        tcp::socket theirs(io);
        theirs.connect(at.local_endpoint());
        auto ours = at.accept();
        ours.non_blocking(true);
        theirs.set_option(tcp::no_delay(true));
        return {std::move(ours), std::move(theirs)};
    }
    template <class Socket>
    static std::string read(Socket& from, std::size_t most = 100) {
        std::string text(most, '\0');
        error_code ec;
        text.resize(from.read_some(asio::buffer(text), ec));
        return text;
    }

    std::vector<std::pair<std::uint64_t, bool>> next_told() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);  // a telling that is lost fails its test
        io.restart();
        while (told.empty() && io.run_one_until(end) != 0) {}
        return std::exchange(told, {});
    }
    void leave(stream_protocol::socket& member) {
        set->remove(member.native_handle());
        member.close();
    }
    /// What is told within a time in which it would be.
    std::vector<std::pair<std::uint64_t, bool>> told_soon() {
        io.restart();
        io.run_for(std::chrono::milliseconds(20));
        return std::exchange(told, {});
    }
    /// Whether `act` ran without the allocation that was to be refused, the one behind `granted` others.
    template <class F>
    static bool ran_out_of_refusals(long granted, F&& act) {
        granted_before_refusal = granted;
        try {
            act();
        } catch (const std::bad_alloc&) {}
        return std::exchange(granted_before_refusal, -1) >= 0;
    }

    asio::io_context io;
    std::vector<std::pair<std::uint64_t, bool>> told;
    std::optional<readable_set> set{std::in_place, io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); }};

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

TEST_F(ReadableSet, tells_the_end_of_one_direction_with_what_comes_before_it) {
    auto& one = connect();
    asio::write(one.theirs, asio::buffer("abc", 3));
    one.theirs.shutdown(stream_protocol::socket::shutdown_send);
    EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(1, true)));
    EXPECT_EQ(read(one.ours), "abc");
    EXPECT_EQ(read(one.ours), "");
}

TEST_F(ReadableSet, tells_a_reset_a_hang_up_and_a_waiting_error_as_something_to_read_to_the_end) {
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

TEST_F(ReadableSet, keeps_behind_a_throw_what_it_knows_of_the_end) {
    set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
        if (std::exchange(first, false)) { throw std::runtime_error("no"); }
        told.emplace_back(id, all);
    });
    for (std::uint64_t id = 0; id < 4; ++id) {
        auto& one = connect();
        asio::write(one.theirs, asio::buffer("x", 1));
        if (id % 2 == 1) { one.theirs.close(); }
        EXPECT_FALSE(set->add(one.ours.native_handle(), id));
    }
    EXPECT_THROW(io.run_for(std::chrono::seconds(10)), std::runtime_error);
    EXPECT_THAT(told_soon(), ElementsAre(Pair(1, true), Pair(2, false), Pair(3, true)));
}

TEST_F(ReadableSet, goes_on_where_a_handler_removes_others_and_adds_one_with_the_number_of_one) {
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
    });
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

TEST_F(ReadableSet, without_members_lets_its_context_end_and_goes_on_with_the_next) {
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
TEST_F(ReadableSet, says_where_a_read_that_gives_little_has_not_read_all) {
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
        EXPECT_THAT(what.back(), Pair(7, true));
        EXPECT_EQ(read(ours), "bc");
        EXPECT_EQ(read(ours), "d");
        EXPECT_THAT(told_soon(), IsEmpty());
    }
    asio::write(theirs, asio::buffer("e", 1));
    EXPECT_THAT(next_told(), ElementsAre(Pair(7, false)));
}

TEST_F(ReadableSet, forgets_a_member_whose_file_stays_open_elsewhere) {
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

TEST_F(ReadableSet, hears_on_where_what_is_no_member_is_removed) {
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
    set.emplace(io.get_executor(), [&](std::uint64_t id, bool all) {
        if (throws-- > 0) { throw std::runtime_error("no"); }
        told.emplace_back(id, all);
    });
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

TEST_F(ReadableSet, hears_on_whichever_allocation_of_an_addition_fails) {
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        auto& refused = connect();
        auto& next = connect();
        set.emplace(io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); });
        done = ran_out_of_refusals(granted, [&] { static_cast<void>(set->add(refused.ours.native_handle(), 1)); });
        EXPECT_FALSE(set->add(next.ours.native_handle(), 2));
        asio::write(next.theirs, asio::buffer("x", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(2, false))) << granted;
    }
}

TEST_F(ReadableSet, hears_on_whichever_allocation_behind_a_telling_fails) {
    auto& one = connect();
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
            told.emplace_back(id, all);
            if (!std::exchange(first, false)) { return; }
            for (int i = 0; i < 4; ++i) { asio::post(io, [] {}); }  // use up what Asio has kept for the next wait
            granted_before_refusal = granted;
        });
        EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
        asio::write(one.theirs, asio::buffer("x", 1));
        done = ran_out_of_refusals(-1, [&] { io.run_for(std::chrono::milliseconds(20)); });
        told.clear();
        asio::write(one.theirs, asio::buffer("y", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(1, false))) << granted;
        EXPECT_EQ(read(one.ours), "xy");
    }
}

TEST_F(ReadableSet, loses_nothing_behind_a_telling_that_throws_where_there_is_no_memory) {
    for (const bool asked_again : {false, true}) {
        for (long granted = 0; granted < 4; ++granted) {
            std::deque<stream_protocol::socket> members;
            set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
                if (std::exchange(first, false)) {
                    granted_before_refusal = granted;
                    throw std::runtime_error("no");
                }
                told.emplace_back(id, all);
            });
            for (std::uint64_t id = 0; id < 3; ++id) {
                auto& one = connect();
                if (!asked_again) { asio::write(one.theirs, asio::buffer("x", 1)); }
                EXPECT_FALSE(set->add(one.ours.native_handle(), id));
                if (asked_again) { set->tell_again(id); }
            }
            io.restart();
            try {
                io.run_for(std::chrono::milliseconds(20));
            } catch (const std::exception&) {}
            granted_before_refusal = -1;
            EXPECT_THAT(told_soon(), ElementsAre(Pair(1, false), Pair(2, false))) << granted;
        }
    }
}

TEST_F(ReadableSet, tells_again_what_it_took_and_nothing_else_where_memory_ends) {
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        set.emplace(io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); });
        std::vector<std::pair<std::uint64_t, bool>> taken;
        taken.reserve(100);
        granted_before_refusal = granted;
        for (std::uint64_t id = 0; id < 100; ++id) {
            try {
                set->tell_again(id);
                taken.emplace_back(id, false);
            } catch (const std::bad_alloc&) {}
        }
        done = std::exchange(granted_before_refusal, -1) >= 0;
        EXPECT_EQ(taken.size(), done ? 100u : 99u);
        io.restart();
        io.run();
        EXPECT_EQ(std::exchange(told, {}), taken) << granted;
    }
}

TEST_F(ReadableSet, that_cannot_be_made_leaves_no_descriptor) {
    const auto next_number = [] {
        const int number = ::dup(0);
        ::close(number);
        return number;
    };
    set.reset();
    const int before = next_number();
    std::deque<readable_set> made;  // takes what Asio has kept of the one before
    made.emplace_back(io.get_executor(), readable_set::told());
    std::optional<readable_set> one;
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        const int with_those = next_number();
        done = ran_out_of_refusals(granted, [&] { one.emplace(io.get_executor(), readable_set::told()); });
        one.reset();
        EXPECT_EQ(next_number(), with_those) << granted;
    }
    made.clear();
    EXPECT_EQ(next_number(), before);
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

TEST(ReadableSetOnAStrand, hears_each_arrival_whichever_thread_ends_the_wait) {
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
    });
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
        const bool heard = ::recv(theirs.native_handle(), &byte, 1, 0) == 1;
        EXPECT_TRUE(heard) << round;
        if (!heard) { break; }
    }
    io.stop();
    for (auto& one : threads) { one.join(); }
    set.reset();
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
