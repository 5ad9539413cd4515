// What a lane promises, whichever ring carries its cells.
#include <numasio/detail/lane.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <thread>
#include <vector>

namespace numasio::detail {
namespace {

using small_cell = cell<std::unique_ptr<int>, std::unique_ptr<int>>;  // movable only
using large_cell = linked_cell<std::unique_ptr<int>, std::unique_ptr<int>>;
static_assert(std::is_same_v<ring_for<int, int>, inline_ring<cell<int, int>>>);
static_assert(std::is_same_v<ring_for<std::array<char, 4096>, int>, indexed_ring<linked_cell<std::array<char, 4096>, int>>>);

/// Nobody drains but the test itself.
struct no_drain final : reply_poster {
    void post(drain_operation) noexcept override {}
    void post_again(drain_operation) noexcept override {}
};

template <class Ring>
class lane_of : public ::testing::Test {
protected:
    using lane_type = lane<std::unique_ptr<int>, std::unique_ptr<int>, Ring>;

    lane_of() { worker_->mark_lanes(1); }
    ~lane_of() override { requests_.abandon(false); }

    template <class Handler>
    auto submit(int number, Handler handler) {
        return requests_.submit(std::make_unique<int>(number), std::move(handler), io_.get_executor(), 0, {}, [](auto) {});
    }
    bool send(int number) {
        if (!requests_.reserve()) { return false; }
        submit(number, [this](error_code ec, std::unique_ptr<int> reply) {
            outcomes_.push_back(ec);
            if (reply) { replies_.push_back(*reply); }
        });
        return true;
    }
    std::size_t serve() {
        const auto negate = [](std::unique_ptr<int> request) {
            if (*request == 13) { throw std::runtime_error("thirteen"); }
            return std::make_unique<int>(-*request);
        };
        return requests_.serve(negate, serving_);
    }
    std::size_t deliver(std::size_t limit = 100) {
        const boost::asio::any_io_executor home = io_.get_executor();
        delivery going(round_trips_, abandoned_, home, *worker_);
        return requests_.deliver(limit, going);
    }

    void drop() { requests_.drop(*worker_, io_.get_executor()); }

    static constexpr std::uint32_t places = 4;
    boost::asio::io_context io_;
    single_writer_histogram round_trips_;
    abandoned_counter abandoned_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::shared_ptr<worker_core> worker_ = std::make_shared<worker_core>(worker_site{}, std::make_unique<no_drain>(), io_.get_executor(), abandoned_);
    serve_context& serving_ = worker_->serving;
    lane_type requests_{places, *std::pmr::new_delete_resource()};
    std::vector<int> replies_;
    std::vector<error_code> outcomes_;
};

using rings = ::testing::Types<inline_ring<small_cell>, indexed_ring<large_cell>>;
class ring_names {
public:
    template <class T>
    static std::string GetName(int i) { return i == 0 ? "inline_ring" : "indexed_ring"; }
};
TYPED_TEST_SUITE(lane_of, rings, ring_names);

TYPED_TEST(lane_of, has_room_for_its_capacity_and_answers_in_order) {
    for (int i = 1; i <= 4; ++i) { EXPECT_TRUE(this->send(i)); }
    EXPECT_FALSE(this->send(5));
    EXPECT_EQ(this->deliver(), 0U);
    EXPECT_EQ(this->serve(), 4U);
    EXPECT_EQ(this->serve(), 0U);
    EXPECT_FALSE(this->send(5)) << "a reply has its place until it is delivered";
    EXPECT_EQ(this->deliver(3), 3U);
    EXPECT_TRUE(this->requests_.has_replies());
    EXPECT_EQ(this->deliver(), 1U);
    EXPECT_FALSE(this->requests_.has_replies());
    EXPECT_THAT(this->replies_, ::testing::ElementsAre(-1, -2, -3, -4));
    EXPECT_TRUE(this->send(5));
}

TYPED_TEST(lane_of, remembers_the_most_that_was_found_queued_at_a_time) {
    const auto recorded = [&] { return this->requests_.counters.queued_high_water.load(); };
    const auto high_water = [&] { return this->requests_.status().queued_high_water; };
    EXPECT_EQ(high_water(), 0U);
    for (int i = 1; i <= 2; ++i) { ASSERT_TRUE(this->send(i)); }
    EXPECT_EQ(high_water(), 2U);  // now
    this->serve();
    EXPECT_EQ(recorded(), 2U);
    this->deliver();
    this->requests_.batch = 1;  // less than there is
    for (int i = 1; i <= 4; ++i) { ASSERT_TRUE(this->send(i)); }
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(recorded(), 3U);  // what it left
    while (this->serve() != 0) {}
    this->deliver();
    ASSERT_TRUE(this->send(5));
    this->serve();
    EXPECT_EQ(recorded(), 3U);
    EXPECT_EQ(high_water(), 3U);
}

TYPED_TEST(lane_of, goes_round_for_ever) {
    std::vector<int> expected;
    for (int i = 0; i < 1000; ++i) {
        if (i == 13) { continue; }
        ASSERT_TRUE(this->send(i));
        expected.push_back(-i);
        if (i % 3 == 0) { this->serve(); }
        if (i % 4 == 0 || i % 7 == 3) { this->serve(), this->deliver(); }
    }
    this->serve();
    this->deliver();
    EXPECT_EQ(this->replies_, expected);
}

TYPED_TEST(lane_of, gives_a_place_back_that_was_not_used) {
    for (int i = 0; i < 4; ++i) { ASSERT_TRUE(this->requests_.reserve()); }
    EXPECT_FALSE(this->send(1));
    std::thread([&] { this->drop(); }).join();
    EXPECT_TRUE(this->send(1));
    for (int i = 0; i < 3; ++i) { this->drop(); }
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(this->requests_.status().returned, 4U);
}

TYPED_TEST(lane_of, keeps_the_place_of_a_request_that_could_not_be_stored) {
    struct refusing {
        refusing() = default;
        refusing(refusing&&) { throw std::bad_alloc(); }
        void operator()(error_code, std::unique_ptr<int>) {}
    };
    ASSERT_TRUE(this->requests_.reserve());
    EXPECT_THROW(this->requests_.submit(std::make_unique<int>(1), refusing(), this->io_.get_executor(), 0, {}, [](auto) {}), std::bad_alloc);
    this->drop();
    for (int i = 1; i <= 4; ++i) { EXPECT_TRUE(this->send(i)); }
    EXPECT_EQ(this->serve(), 4U);
    EXPECT_EQ(this->deliver(), 4U);
    EXPECT_THAT(this->replies_, ::testing::ElementsAre(-1, -2, -3, -4));
}

TYPED_TEST(lane_of, tells_of_a_service_that_threw) {
    this->send(13);
    this->send(2);
    EXPECT_EQ(this->serve(), 2U);
    EXPECT_EQ(this->deliver(), 2U);
    EXPECT_THAT(this->outcomes_, ::testing::ElementsAre(error_code(errc::service_failed), error_code()));
    EXPECT_EQ(this->serving_.first_failure(), "thirteen");
}

TYPED_TEST(lane_of, returns_what_was_cancelled_unrun_and_in_its_turn) {
    this->send(1);
    ASSERT_TRUE(this->requests_.reserve());
    const auto sent = this->submit(2, [this](error_code ec, std::unique_ptr<int>) { this->outcomes_.push_back(ec); });
    this->requests_.cancel(sent);
    EXPECT_EQ(this->serve(), 2U);
    EXPECT_EQ(this->deliver(), 2U);
    EXPECT_THAT(this->outcomes_, ::testing::ElementsAre(error_code(), error_code(boost::asio::error::operation_aborted)));
    this->send(3);
    this->requests_.cancel(sent);  // its cell may be another's by now
    EXPECT_EQ(this->serve(), 1U);
    EXPECT_EQ(this->deliver(), 1U);
    EXPECT_THAT(this->replies_, ::testing::ElementsAre(-1, -3));
}

TYPED_TEST(lane_of, delivers_nothing_again_when_a_stop_takes_back_what_is_queued) {
    for (int i = 1; i <= 3; ++i) { this->send(i); }
    EXPECT_EQ(this->serve(), 3U);
    EXPECT_EQ(this->deliver(), 3U);  // their cells stay as they are until they are used again
    for (int i = 4; i <= 5; ++i) { this->send(i); }
    EXPECT_EQ(this->requests_.stop_queued(), 2U);
    EXPECT_TRUE(this->requests_.has_replies());
    EXPECT_EQ(this->deliver(), 2U);
    EXPECT_FALSE(this->requests_.has_replies());
    EXPECT_EQ(this->deliver(), 0U);
    EXPECT_THAT(this->replies_, ::testing::ElementsAre(-1, -2, -3));
}

TYPED_TEST(lane_of, has_the_capacity_that_was_asked_for) {
    for (std::uint32_t capacity = 1; capacity <= 9; ++capacity) {
        typename TestFixture::lane_type lane(capacity, *std::pmr::new_delete_resource());
        std::uint32_t taken = 0;
        while (lane.reserve()) { ++taken; }
        EXPECT_EQ(taken, capacity);
        while (taken-- != 0) { lane.drop(*this->worker_, this->io_.get_executor()); }
    }
}

TYPED_TEST(lane_of, stops_what_waits_behind_a_request_that_does_not_end) {
    for (int i = 1; i <= 4; ++i) { this->send(i); }
    std::uint64_t stopped = 0;
    const auto stuck = [&](std::unique_ptr<int> request) {
        if (*request == 1) {
            stopped = this->requests_.stop_queued();
            EXPECT_EQ(this->deliver(), 3U) << "the others end while it runs";
            EXPECT_FALSE(this->requests_.has_replies());
            // A late call may find room, but never the place of the one that runs.
            if (this->send(5)) { EXPECT_EQ(this->requests_.stop_queued(), 1U); }
            EXPECT_NE(request, nullptr);
        }
        return request;
    };
    this->requests_.serve(stuck, this->serving_);
    EXPECT_EQ(stopped, 3U);
    EXPECT_THAT(this->outcomes_, ::testing::Each(error_code(errc::stopped)));
    EXPECT_GE(this->deliver(), 1U);
    EXPECT_THAT(this->replies_, ::testing::ElementsAre(1));
    EXPECT_EQ(this->requests_.stop_queued(), 0U);
    this->serve();  // may look at what was taken back, and runs nothing
    EXPECT_EQ(this->requests_.status().ran, 1U);
}

TYPED_TEST(lane_of, serves_a_stopped_request_once_however_often_its_worker_looks) {
    for (int i = 1; i <= 4; ++i) { this->send(i); }
    this->serving_.abort();  // the worker itself refuses them
    EXPECT_EQ(this->serve(), 4U);
    EXPECT_EQ(this->serve(), 0U);  // nobody has delivered them yet
    EXPECT_EQ(this->deliver(), 4U);
    EXPECT_THAT(this->outcomes_, ::testing::Each(error_code(errc::stopped)));
}

TYPED_TEST(lane_of, destroys_the_handlers_that_are_left) {
    const auto owned = std::make_shared<int>();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(this->requests_.reserve());
        this->submit(i, [owned](error_code, std::unique_ptr<int>) {});
    }
    this->serve();
    EXPECT_EQ(owned.use_count(), 4);
    EXPECT_EQ(this->requests_.abandon(false), 3U);
    EXPECT_EQ(owned.use_count(), 1);
    EXPECT_EQ(this->requests_.abandon(false), 0U);
}

TYPED_TEST(lane_of, holds_the_contexts_work_from_the_first_request_to_the_last_reply) {
    const boost::asio::any_io_executor home = this->io_.get_executor();
    for (int round = 0; round < 2; ++round) {
        for (int i = 1; i <= 2; ++i) {
            ASSERT_TRUE(this->requests_.reserve());
            const auto submitted = this->submit(i, [](error_code, std::unique_ptr<int>) {});
            this->requests_.send(*this->worker_, home, {&submitted, 1});
        }
        this->io_.restart();
        EXPECT_EQ(this->io_.poll(), 0U);
        EXPECT_FALSE(this->io_.stopped()) << "two replies are due";
        this->serve();
        this->deliver(1);
        this->io_.poll();
        EXPECT_FALSE(this->io_.stopped()) << "one reply is due";
        this->deliver();
        this->io_.poll();
        EXPECT_TRUE(this->io_.stopped());
    }
}

TYPED_TEST(lane_of, sheds_what_waited_too_long_but_for_what_is_essential) {
    this->requests_.overload.emplace(std::chrono::nanoseconds(1), std::chrono::milliseconds(2));
    const auto slow = [](std::unique_ptr<int> request) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return request;
    };
    const auto shed_of = [&](request_terms terms) {
        const auto before = this->requests_.status().shed;
        for (int round = 0; round < 20; ++round) {
            while (this->requests_.reserve()) {  // submitted when the clock began
                this->requests_.submit(std::make_unique<int>(1), [](error_code, std::unique_ptr<int>) {}, this->io_.get_executor(), 0, terms,
                                       [](auto) {});
            }
            this->requests_.serve(slow, this->serving_);
            this->deliver();
        }
        return this->requests_.status().shed - before;
    };
    request_terms essential;
    essential.essential = true;
    EXPECT_GT(shed_of({}), 0U);
    EXPECT_EQ(shed_of(essential), 0U);
}

/// Three threads at full speed, as in a bridge; ThreadSanitizer looks on.
TYPED_TEST(lane_of, carries_everything_between_three_threads) {
    constexpr int count = 1'000;  // an emulated machine takes milliseconds to hand one on between spinning threads
    std::atomic<bool> over{false};
    std::thread worker([&] {
        const auto negate = [](std::unique_ptr<int> request) {
            *request = -*request;
            return request;
        };
        while (!over) {
            if (this->requests_.serve(negate, this->serving_) == 0) { std::this_thread::yield(); }
        }
    });
    std::vector<int> replies;
    std::thread control([&] {
        while (replies.size() < count) {
            if (this->deliver() == 0) { std::this_thread::yield(); }
        }
    });
    for (int i = 0; i < count;) {
        if (!this->requests_.reserve()) {
            std::this_thread::yield();
            continue;
        }
        this->submit(i++, [&](error_code ec, std::unique_ptr<int> reply) { replies.push_back(ec ? 1 : *reply); });
    }
    control.join();
    over = true;
    worker.join();
    for (int i = 0; i < count; ++i) { ASSERT_EQ(replies[static_cast<std::size_t>(i)], -i); }
}

}  // namespace
}  // namespace numasio::detail
