// What async_call promises: the caller's executor, exactly once, cancellation, handlers of any size.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <memory>
#include <memory_resource>

namespace numasio::test {
namespace {

TEST_F(call, a_callback_gets_the_reply_on_the_bridges_executor) {
    auto& p = open<incrementer>();
    int got = 0;
    std::thread::id where;
    p.async_call({0}, 41, [&](error_code ec, int v) {
        EXPECT_FALSE(ec);
        got = v;
        where = std::this_thread::get_id();
        EXPECT_TRUE(io_.get_executor().running_in_this_thread());
    });
    io_.run();
    EXPECT_EQ(got, 42);
    EXPECT_EQ(where, std::this_thread::get_id());
    EXPECT_NE(where, incrementer::worker_thread);
}

TEST_F(call, a_pending_call_keeps_run_from_returning) {
    auto& p = open<gated>();
    gated::closed = true;
    bool done = false;
    p.async_call({0}, 1, [&](error_code, int) { done = true; });
    std::thread opener([] {
        std::this_thread::sleep_for(50ms);
        gated::closed = false;
    });
    io_.run();
    EXPECT_TRUE(done);
    opener.join();
}

TEST_F(call, a_handler_never_runs_inside_its_initiation) {
    auto& p = open<incrementer>(1);
    int calls = 0;
    asio::post(io_, [&] {
        for (int i = 0; i < 8; ++i) {  // one is accepted, the rest are refused at once
            const int before = calls;
            p.async_call({0}, i, [&](error_code, int) { ++calls; });
            EXPECT_EQ(calls, before);
        }
    });
    io_.run();
    EXPECT_EQ(calls, 8);
}

TEST(port, carries_move_only_requests_and_replies) {
    struct unwrap {
        explicit unwrap(node_context&) {}
        std::unique_ptr<int> operator()(std::unique_ptr<int> x) const { return std::make_unique<int>(*x + 1); }
    };
    asio::io_context io;
    bridge b{io.get_executor(), one_worker()};
    auto& p = b.open<std::unique_ptr<int>, std::unique_ptr<int>, unwrap>("p");
    b.start();
    int got = 0;
    p.async_call({0}, std::make_unique<int>(6), [&](error_code, std::unique_ptr<int> v) { got = *v; });
    io.run();
    EXPECT_EQ(got, 7);
}

TEST_F(call, a_large_handler_is_stored_with_its_own_allocator) {
    auto& p = open<incrementer>();
    std::array<std::byte, 8192> room;
    std::pmr::monotonic_buffer_resource memory(room.data(), room.size(), std::pmr::null_memory_resource());
    std::array<char, 400> ballast{};
    ballast.back() = 7;
    int got = 0;
    p.async_call({0}, 1,
                 asio::bind_allocator(std::pmr::polymorphic_allocator<std::byte>(&memory),
                                      [&got, ballast](error_code, int v) { got = v + ballast.back(); }));
    io_.run();
    EXPECT_EQ(got, 9);
}

/// An allocator that lives in its handler: a handler that was moved from has none any more.
template <class T>
struct owned_allocator {
    using value_type = T;
    explicit owned_allocator(std::pmr::memory_resource* from) : memory(from) {}
    template <class U>
    owned_allocator(const owned_allocator<U>& other) : memory(other.memory) {}
    T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T), alignof(T))); }
    void deallocate(T* p, std::size_t n) { memory->deallocate(p, n * sizeof(T), alignof(T)); }
    friend bool operator==(const owned_allocator&, const owned_allocator&) = default;
    std::pmr::memory_resource* memory;
};
struct allocating_handler {
    using allocator_type = owned_allocator<std::byte>;
    allocator_type get_allocator() const noexcept { return allocator_type(memory.get()); }
    void operator()(error_code, int v) const { *got = v; }
    std::unique_ptr<std::pmr::unsynchronized_pool_resource> memory;
    int* got;
    std::array<char, 400> ballast{};
};

TEST_F(call, a_large_handlers_memory_is_given_back_by_the_allocator_that_it_had) {
    auto& p = open<incrementer>();
    int got = 0;
    p.async_call({0}, 1, allocating_handler{std::make_unique<std::pmr::unsynchronized_pool_resource>(), &got, {}});
    io_.run();
    EXPECT_EQ(got, 2);
}

TEST(call_alone, a_large_handler_that_owns_its_memory_may_be_destroyed_uninvoked) {
    int got = 0;
    const auto handler = [&] { return allocating_handler{std::make_unique<std::pmr::unsynchronized_pool_resource>(), &got, {}}; };
    {
        asio::io_context io;
        auto asked = one_worker(1);
        asked.pools.front().lane.full = when_full::wait;
        bridge b(io.get_executor(), asked);
        auto& p = b.open<int, int, incrementer>("p");
        b.start();
        p.async_call({0}, 1, handler());
        p.async_call({0}, 1, handler());  // waits for a place
        static_cast<void>(b.stop(1s));
    }  // the context never ran
    EXPECT_EQ(got, 0);
}

TEST_F(call, a_request_cancelled_before_it_started_never_runs) {
    auto& p = open<gated>();
    gated::closed = true;
    asio::cancellation_signal signal;
    error_code first, second = errc::stopped;
    p.async_call({0}, 1, [&](error_code ec, int) { first = ec; });
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    p.async_call({0}, 2, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, int) { second = ec; }));
    signal.emit(asio::cancellation_type::terminal);
    gated::closed = false;
    io_.run();
    EXPECT_FALSE(first);
    EXPECT_EQ(second, asio::error::operation_aborted);
    EXPECT_EQ(gated::entered.load(), 1);
    EXPECT_EQ(sum(bridge_->status(), &lane_status::cancelled), 1U);
    EXPECT_FALSE(signal.slot().has_handler());
}

TEST_F(call, a_late_cancellation_does_not_reach_the_next_request_of_the_cell) {
    auto& p = open<incrementer>(1);  // one cell: the second request uses it again
    asio::cancellation_signal signal;
    int good = 0;
    p.async_call({0}, 1, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, int) { good += !ec; }));
    while (sum(bridge_->status(), &lane_status::ran) == 0) { std::this_thread::yield(); }
    signal.emit(asio::cancellation_type::all);  // too late: it ran
    io_.run();
    io_.restart();
    p.async_call({0}, 1, [&](error_code ec, int) { good += !ec; });
    signal.emit(asio::cancellation_type::all);
    io_.run();
    EXPECT_EQ(good, 2);
}

TEST_F(call, a_handler_that_throws_leaves_the_other_replies_deliverable) {
    auto& p = open<incrementer>();
    int good = 0;
    for (int i = 0; i < 10; ++i) {
        p.async_call({0}, i, [&, i](error_code, int) {
            ++good;
            if (i == 3) { throw std::runtime_error("from a handler"); }
        });
    }
    while (sum(bridge_->status(), &lane_status::ran) != 10) { std::this_thread::yield(); }
    EXPECT_THROW(io_.run(), std::runtime_error);
    io_.run();
    EXPECT_EQ(good, 10);
}

template <class Request>
struct held_back : gated {
    using gated::gated;
    int operator()(const Request&) const { return gated::operator()(0); }
};
template <class Request>
std::uint64_t high_water_behind_a_slow_call(bool cancelled) {
    constexpr std::uint32_t places = 32;  // less than a batch
    gated::reset();
    gated::closed = true;
    asio::io_context io;
    bridge b(io.get_executor(), one_worker(places));
    auto& p = b.open<Request, int, held_back<Request>>("p");
    b.start();
    asio::cancellation_signal signals[places];
    for (auto& signal : signals) {
        EXPECT_FALSE(p.try_call({0}, Request{}, asio::bind_cancellation_slot(signal.slot(), [](error_code, int) {})));
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
    }
    EXPECT_EQ(p.try_call({0}, Request{}, [](error_code, int) {}), errc::lane_full);
    for (auto& signal : signals) {
        if (cancelled && &signal != signals) { signal.emit(asio::cancellation_type::all); }
    }
    std::this_thread::sleep_for(1ms);
    gated::closed = false;
    io.run();
    EXPECT_EQ(gated::entered.load(), cancelled ? 1 : int{places});
    return sum(b.status(), &lane_status::queued_high_water);
}

TEST(call_alone, a_lane_that_filled_behind_a_slow_request_was_found_full) {
    EXPECT_GE(high_water_behind_a_slow_call<int>(false), 31U);
    EXPECT_GE(high_water_behind_a_slow_call<sized<1000>>(false), 31U);
    EXPECT_GE(high_water_behind_a_slow_call<int>(true), 31U);
    EXPECT_GE(high_water_behind_a_slow_call<sized<1000>>(true), 31U);
}

/// Two at a time: a worker may serve many of them in one batch, but never finds more.
TEST_F(call, what_arrives_while_a_batch_is_served_does_not_count_as_found_queued) {
    auto& p = open<incrementer>();
    int left = 50'000;
    struct next_call {
        port<int, int>& p;
        int& left;
        void operator()(error_code, int) {
            if (left-- > 0) { p.async_call({0}, 1, next_call{p, left}); }
        }
    };
    for (int i = 0; i < 2; ++i) { next_call{p, left}({}, 0); }
    io_.run();
    const auto found = sum(bridge_->status(), &lane_status::queued_high_water);
    EXPECT_GE(found, 1U);
    EXPECT_LE(found, 8U);  // the clocks of two threads may be off by a request or two
}

}  // namespace
}  // namespace numasio::test
