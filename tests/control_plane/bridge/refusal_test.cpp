// Lanes as bounds: order, full, reserved, one for each thread; and every refusal is typed.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace numasio::test {
namespace {

TEST_F(call, a_full_lane_answers_lane_full_and_the_accepted_ones_are_served) {
    auto& p = open<gated>(8);
    gated::closed = true;
    int served = 0;
    int full = 0;
    for (int i = 0; i < 20; ++i) {
        p.async_call({0}, i, [&](error_code ec, int) { ec == errc::lane_full ? ++full : ++served; });
    }
    gated::closed = false;
    io_.run();
    EXPECT_EQ(served, 8);
    EXPECT_EQ(full, 12);
    const auto s = bridge_->status();
    EXPECT_EQ(sum(s, &lane_status::offered), 20U);
    EXPECT_EQ(sum(s, &lane_status::accepted), 8U);
    EXPECT_EQ(sum(s, &lane_status::rejected), 12U);
}

TEST_F(call, requests_of_one_thread_are_served_in_order) {
    struct recorder {
        explicit recorder(node_context&) {}
        int operator()(int x) { return x == last_ + 1 ? last_ = x : -1; }
        int last_ = -1;
    };
    auto& p = open<recorder>(4096);
    int expected = 0;
    for (int i = 0; i < 4000; ++i) {
        p.async_call({0}, i, [&](error_code ec, int v) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(v, expected++);  // replies keep the order, too
        });
    }
    io_.run();
    EXPECT_EQ(expected, 4000);
}

TEST_F(call, a_service_that_throws_is_reported_and_lives_on) {
    struct fragile {
        explicit fragile(node_context&) {}
        int operator()(int x) const {
            if (x % 2 != 0) { throw std::runtime_error("odd: " + std::to_string(x)); }
            return x;
        }
    };
    auto& p = open<fragile>(1024);
    int failed = 0;
    int good = 0;
    for (int i = 0; i < 1000; ++i) {
        p.async_call({0}, i, [&](error_code ec, int) { ec == errc::service_failed ? ++failed : ++good; });
    }
    io_.run();
    EXPECT_EQ(failed, 500);
    EXPECT_EQ(good, 500);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::failed), 500U);
    EXPECT_EQ(bridge_->status().workers.at(0).first_failure, "odd: 1");
}

TEST_F(call, a_reservation_is_a_place_that_cannot_be_refused) {
    auto& p = open<incrementer>(2);
    auto one = p.try_reserve({0});
    auto two = p.try_reserve({0});
    auto three = p.try_reserve({0});
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
    EXPECT_FALSE(three);
    EXPECT_EQ(three.error(), errc::lane_full);
    two = p.try_reserve({0});  // still none: `two` was given back only after the look
    EXPECT_FALSE(two);
    two = p.try_reserve({0});
    EXPECT_TRUE(two);
    int good = 0;
    p.async_call(std::move(one), 1, [&](error_code ec, int) { good += !ec; });
    p.async_call(std::move(two), 1, [&](error_code ec, int) { good += !ec; });
    io_.run();
    EXPECT_EQ(good, 2);
}

TEST_F(call, a_reservation_that_was_used_is_no_place_and_no_success) {
    auto& p = open<incrementer>();
    auto place = p.try_reserve({0});
    std::vector<error_code> got;
    const auto keep = [&](error_code ec, int) { got.push_back(ec); };
    p.async_call(std::move(place), 1, keep);
    EXPECT_EQ(place.error(), errc::no_place);  // NOLINT(bugprone-use-after-move): what is left is part of the contract
    p.async_call(std::move(place), 777, keep);
    io_.run();
    EXPECT_THAT(got, ::testing::UnorderedElementsAre(error_code(), error_code(errc::no_place)));
}

TEST_F(call, a_reservation_of_another_pool_is_refused) {
    auto asked = one_worker();
    asked.pools.push_back(asked.pools.front());
    asked.pools.back().name = "q";
    bridge_.emplace(io_.get_executor(), asked);
    auto& p = bridge_->open<int, int, incrementer>("p");
    auto& q = bridge_->open<int, int, incrementer>("q");
    bridge_->start();
    error_code got;
    q.async_call(p.try_reserve({0}), 1, [&](error_code ec, int) { got = ec; });
    io_.run();
    EXPECT_EQ(got, errc::no_place);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::returned), 1U);  // the place went back to p
}

TEST_F(call, a_reservation_used_on_another_thread_takes_that_threads_lane) {
    auto& p = open<incrementer>(8);
    auto place = p.try_reserve({0});
    ASSERT_TRUE(place);
    error_code got = errc::stopped;
    std::thread([&, taken = std::move(place)]() mutable {
        p.async_call(std::move(taken), 1, [&](error_code ec, int) { got = ec; });
    }).join();
    io_.run();
    EXPECT_FALSE(got);
    EXPECT_TRUE(p.try_reserve({0}));
}

TEST_F(call, each_thread_has_its_lane_and_returns_it_at_its_end) {
    auto& p = open<incrementer>(64, 2);
    std::set<std::string> refusals;
    for (int round = 0; round < 20; ++round) {  // more threads than places, one after the other
        std::thread([&] { EXPECT_TRUE(p.try_reserve({0})); }).join();
    }
    EXPECT_TRUE(p.try_reserve({0}));  // this thread takes one of the two places
    std::thread([&] {
        EXPECT_TRUE(p.try_reserve({0}));  // the second takes the other
        std::thread([&] { EXPECT_TRUE(p.try_reserve({0})); }).join();  // the third shares a lane with all that follow
        EXPECT_TRUE(bridge_->status().workers.front().lanes.back().in_use);
    }).join();
}

TEST_F(call, a_thread_that_ends_gets_no_lane_back_after_it_gave_its_own) {
    auto& p = open<incrementer>(64, 1);
    static port<int, int>* entry;
    static error_code got;
    entry = &p;
    struct last_words {  // made before the thread's lanes, so destroyed after them
        ~last_words() { got = entry->try_reserve({0}).error(); }
    };
    std::thread([&] {
        thread_local last_words words;
        static_cast<void>(&words);
        EXPECT_TRUE(p.try_reserve({0}));
    }).join();
    EXPECT_EQ(got, errc::no_lane);
    EXPECT_TRUE(p.try_reserve({0}));  // the only place is free again
}

TEST_F(call, before_start_and_after_stop_the_answer_is_typed) {
    bridge_.emplace(io_.get_executor(), one_worker());
    auto& p = bridge_->open<int, int, incrementer>("p");
    std::vector<error_code> got;
    const auto keep = [&](error_code ec, int) { got.push_back(ec); };
    p.async_call({0}, 1, keep);
    bridge_->start();
    p.async_call({0}, 1, keep);
    io_.run();
    io_.restart();
    bridge_->stop(1s);
    p.async_call({0}, 1, keep);
    port<int, int> survivor = p;
    bridge_.reset();
    survivor.async_call({0}, 1, keep);
    io_.run();
    ASSERT_EQ(got.size(), 4U);
    EXPECT_EQ(got[0], errc::not_started);
    EXPECT_FALSE(got[1]);
    EXPECT_EQ(got[2], errc::stopped);
    EXPECT_EQ(got[3], errc::stopped);
}

TEST_F(call, a_home_beyond_the_pools_workers_is_refused) {
    auto& p = open<incrementer>();
    EXPECT_EQ(p.try_reserve(home{9}).error(), errc::no_worker);
    EXPECT_EQ(bridge_->status().pools.at(0).refused, 1U);
}

TEST_F(call, a_forked_child_is_refused) {
    auto& p = open<incrementer>();
    ASSERT_TRUE(p.try_reserve({0}));
    const auto child = fork();
    if (child == 0) { _exit(p.try_reserve({0}).error() == errc::forked ? 0 : 1); }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(p.try_reserve({0}));
}

TEST_F(call, keys_have_a_stable_home_and_spread_evenly) {
    auto& p = open<incrementer>();
    EXPECT_EQ(p.home_of(std::string_view("greeting")), p.home_of(std::string("greeting")));
    EXPECT_EQ(p.home_of(7).worker, 0U);
    EXPECT_THROW(p.at(1), std::out_of_range);
    // The published constants: a change would move every key of every user.
    EXPECT_EQ(hash_key(std::string_view("")), mix64(0xcbf29ce484222325ULL));
    EXPECT_EQ(hash_key(1U), 0xb456bcfc34c2cb2cULL);
}

TEST(open, says_what_is_wrong) {
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    const auto code_of = [](auto&& f) {
        try {
            f();
        } catch (const boost::system::system_error& e) {
            return e.code();
        }
        return error_code{};
    };
    EXPECT_EQ(code_of([&] { b.open<int, int, incrementer>("q"); }), errc::unknown_pool);
    EXPECT_EQ(code_of([&] { b.start(); }), errc::pool_not_served);
    b.open<int, int, incrementer>("p");
    EXPECT_EQ(code_of([&] { b.open<int, int, incrementer>("p"); }), errc::already_open);
    b.start();
    EXPECT_EQ(code_of([&] { b.start(); }), errc::already_started);
}

TEST(bridge, more_pretend_nodes_than_cpus_are_a_plan_error) {
    asio::io_context io;
    auto asked = one_worker();
    asked.simulate_nodes = 100'000;
    EXPECT_THROW((bridge{io.get_executor(), asked}), plan_error);
}

TEST(bridge, pretend_nodes_are_labelled_and_leave_page_locality_absent) {
    asio::io_context io;
    auto asked = one_worker();
    asked.simulate_nodes = 1;
    bridge b{io.get_executor(), asked};
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    p.async_call({0}, 1, [](error_code ec, int) { EXPECT_FALSE(ec); });
    io.run();
    EXPECT_EQ(b.machine().origin, topology_origin::simulated);
    EXPECT_FALSE(b.status().workers.at(0).page_locality);
    EXPECT_TRUE(b.status().workers.at(0).execution_locality);
    for (const auto& placed : b.placements()) {
        EXPECT_EQ(placed.outcome, placed.subject == placement_subject::cpu ? placement_outcome::honoured
                                                                           : placement_outcome::simulated)
            << to_text(placed);
        EXPECT_FALSE(placed.pages);
    }
}

}  // namespace
}  // namespace numasio::test
