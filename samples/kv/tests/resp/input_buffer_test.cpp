// Views stay valid while they are held, memory is bounded, chunks are reused.
#include "resp/input_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

namespace kv::resp {
namespace {

void receive(input_buffer& into, std::string_view text) {
    while (!text.empty()) {
        const auto room = into.room();
        ASSERT_FALSE(room.empty());
        const auto n = std::min(room.size(), text.size());
        std::memcpy(room.data(), text.data(), n);
        into.received(n);
        text.remove_prefix(n);
    }
}

std::string_view unread(const input_buffer& of) { return {of.unread().data(), of.unread().size()}; }

}  // namespace

TEST(input_buffer, held_bytes_stay_while_the_buffer_moves_on) {
    memory_meter meter;
    input_buffer buffer(meter);
    receive(buffer, "first");
    const std::string_view view = unread(buffer);
    auto held = buffer.hold();
    buffer.consume(5);
    receive(buffer, std::string(5 * input_buffer::chunk_bytes, 'x'));
    EXPECT_EQ(view, "first");
    EXPECT_EQ(unread(buffer), std::string(5 * input_buffer::chunk_bytes, 'x'));
}

TEST(input_buffer, a_chunk_that_nobody_holds_is_used_again) {
    memory_meter meter;
    input_buffer buffer(meter);
    receive(buffer, "abc");
    const char* first = buffer.unread().data();
    buffer.consume(3);
    receive(buffer, "def");
    EXPECT_EQ(buffer.unread().data(), first);
}

TEST(input_buffer, a_chunk_that_is_held_is_not_overwritten) {
    memory_meter meter;
    input_buffer buffer(meter);
    receive(buffer, "abc");
    const std::string_view view = unread(buffer);
    auto held = buffer.hold();
    buffer.consume(3);
    receive(buffer, "def");
    EXPECT_EQ(view, "abc");
    EXPECT_EQ(unread(buffer), "def");
}

TEST(input_buffer, large_chunks_are_charged_and_given_back) {
    memory_meter meter;
    {
        input_buffer buffer(meter);
        receive(buffer, std::string(100'000, 'x'));
        EXPECT_GE(meter.used, 100'000U);
        EXPECT_LE(meter.used, 300'000U);
        buffer.consume(100'000);
        EXPECT_EQ(meter.used, 0U) << "an idle connection keeps it";
        receive(buffer, "y");
        EXPECT_EQ(meter.used, 0U);
        EXPECT_EQ(buffer.capacity(), input_buffer::chunk_bytes);
    }
    EXPECT_EQ(meter.used, 0U);
}

TEST(input_buffer, at_the_limit_there_is_no_room_and_nothing_is_lost) {
    memory_meter meter;
    meter.limit = 64 << 10;
    input_buffer buffer(meter);
    std::size_t total = 0;
    for (;;) {
        const auto room = buffer.room();
        if (room.empty()) { break; }
        std::memset(room.data(), 'x', room.size());
        buffer.received(room.size());
        total += room.size();
    }
    EXPECT_LE(total, meter.limit);
    EXPECT_EQ(unread(buffer), std::string(total, 'x'));
}

}  // namespace kv::resp
