// Buffers as requests, replies and items: nothing is copied, and all come back however a call ends.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <numasio/node_buffer.hpp>
#include <numasio/stream.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

node_id node_of_the_worker() {
    const topology machine = discover_topology();
    return machine.nearest_memory(machine.executor_nodes().front()).value();
}

/// Adds one to each byte where it lies, when the gate is open.
struct raiser {
    explicit raiser(node_context&) {}
    node_buffer operator()(node_buffer&& b) const {
        gated::entered.fetch_add(1);
        while (gated::closed.load()) { std::this_thread::yield(); }
        for (std::byte& x : b) { x = static_cast<std::byte>(std::to_integer<int>(x) + 1); }
        return std::move(b);
    }
};

class buffer_call : public call {
protected:
    static constexpr std::size_t size = 32768;

    using raising = port<node_buffer, node_buffer>;
    raising& open(std::uint32_t capacity = 64) {
        bridge_.emplace(io_.get_executor(), one_worker(capacity));
        auto& opened = bridge_->open<node_buffer, node_buffer, raiser>("p");
        bridge_->start();
        return opened;
    }
    node_buffer filled(int with) {
        auto b = from_.take(size);
        std::fill(b.begin(), b.end(), static_cast<std::byte>(with));
        return b;
    }
    void wait_until_one_runs() {
        while (gated::entered.load() == 0) { std::this_thread::yield(); }
    }

    node_buffers from_{4_MiB, node_of_the_worker()};
    const bytes at_first_ = from_.used();
};

TEST_F(buffer_call, a_buffer_comes_back_as_the_reply_with_other_bytes_at_the_same_address) {
    auto& p = open();
    for (int i = 0; i < 50; ++i) {
        auto request = filled(i);
        const std::byte* const start = request.data();
        p.async_call({0}, std::move(request), [i, start](error_code ec, node_buffer reply) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(reply.data(), start);
            EXPECT_EQ(reply.size(), size);
            EXPECT_EQ(std::count(reply.begin(), reply.end(), static_cast<std::byte>(i + 1)), std::ptrdiff_t{size});
        });
    }
    EXPECT_GE(from_.used().value, at_first_.value + 50 * size);  // none was dropped on its way
    io_.run();
    EXPECT_EQ(sum(bridge_->status(), &lane_status::ran), 50U);
    EXPECT_EQ(from_.used(), at_first_);
}

TEST_F(buffer_call, the_buffer_of_a_cancelled_request_is_back_when_its_handler_runs) {
    auto& p = open();
    gated::closed = true;
    asio::cancellation_signal signal;
    p.async_call({0}, filled(1), [](error_code, node_buffer) {});
    wait_until_one_runs();
    const auto with_one = from_.used();
    error_code got;
    p.async_call({0}, filled(2), asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, node_buffer reply) {
        got = ec;
        EXPECT_FALSE(reply);
        EXPECT_EQ(from_.used(), at_first_);  // the first one's reply has ended, too
    }));
    EXPECT_GT(from_.used(), with_one);
    signal.emit(asio::cancellation_type::terminal);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(got, asio::error::operation_aborted);
}

TEST_F(buffer_call, the_buffer_of_a_refused_request_is_back_at_once_or_still_its_senders) {
    auto& p = open(1);
    gated::closed = true;
    p.async_call({0}, filled(1), [](error_code, node_buffer) {});
    wait_until_one_runs();
    const auto with_one = from_.used();
    p.async_call({0}, filled(2), [](error_code ec, node_buffer) { EXPECT_EQ(ec, errc::lane_full); });
    EXPECT_EQ(from_.used(), with_one);
    auto kept = filled(3);
    EXPECT_EQ(p.try_call({0}, std::move(kept), [](error_code, node_buffer) {}), errc::lane_full);
    EXPECT_TRUE(kept);  // NOLINT(bugprone-use-after-move): what try_call promises
    gated::closed = false;
    io_.run();
}

TEST_F(buffer_call, a_stop_gives_back_the_buffers_that_were_queued) {
    auto& p = open();
    gated::closed = true;
    int stopped = 0;
    for (int i = 0; i < 10; ++i) {
        p.async_call({0}, filled(i), [&](error_code ec, node_buffer reply) {
            stopped += ec == errc::stopped;
            EXPECT_EQ(static_cast<bool>(reply), !ec);
        });
    }
    wait_until_one_runs();
    EXPECT_EQ(bridge_->stop(10ms).stopped, 9U);
    gated::closed = false;
    io_.run();
    EXPECT_EQ(stopped, 9);
    EXPECT_EQ(from_.used(), at_first_);
}

TEST(buffers_of_a_service, whose_replies_are_never_delivered_outlive_it) {
    struct maker {  // its buffers are of its own memory, which ends with it
        explicit maker(node_context&) : from(1_MiB, node_of_the_worker()) {}
        node_buffer operator()(int n) {
            auto b = from.take(1000);
            std::fill(b.begin(), b.end(), static_cast<std::byte>(n));
            return b;
        }
        node_buffers from;
    };
    auto io = std::make_unique<asio::io_context>();
    const auto witness = std::make_shared<int>(1);
    {
        bridge b{io->get_executor(), one_worker()};
        auto& p = b.open<int, node_buffer, maker>("p");
        b.start();
        for (int i = 0; i < 5; ++i) { p.async_call({0}, i, [witness](error_code, node_buffer) {}); }
        EXPECT_TRUE(b.stop(1s).drained());
    }
    io.reset();  // with the five replies
    EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(buffer_call, a_stream_hands_over_buffers_too) {
    struct pieces {  // of 1, 2 and 3 bytes
        std::optional<node_buffer> next() {
            if (made == 3) { return std::nullopt; }
            return from->take(++made);
        }
        node_buffers* from;
        std::size_t made = 0;
    };
    struct cutter {
        explicit cutter(node_context&) {}
        pieces operator()(node_buffers*&& from) const { return {from}; }
    };
    bridge_.emplace(io_.get_executor(), one_worker());
    auto& p = bridge_->open<node_buffers*, stream_of<node_buffer>, cutter>("p");
    bridge_->start();
    reply_stream<node_buffer> stream;
    p.async_stream({0}, &from_, 2, [&](error_code, reply_stream<node_buffer> opened) { stream = std::move(opened); });
    io_.run();
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 3; ++i) {
        io_.restart();
        stream.async_next([&](error_code ec, std::optional<node_buffer> piece) { sizes.push_back(ec ? 0 : piece->size()); });
        io_.run();
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2, 3}));
    EXPECT_EQ(from_.used(), at_first_);
}

}  // namespace
}  // namespace numasio::test
