// What lanes take is what docs/plan.md says that they take.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace numasio::test {
namespace {

template <std::size_t Bytes>
struct payload {
    std::array<std::uint64_t, Bytes / 8> words{};
};

template <std::size_t Asked, std::size_t Answered>
struct answers {
    explicit answers(node_context&) {}
    payload<Answered> operator()(const payload<Asked>&) const { return {}; }
};

/// The formula of docs/plan.md.
template <class Request, class Response>
std::size_t documented(std::size_t capacity, std::size_t producers) {
    const std::size_t held = 24 + sizeof(std::optional<Request>) + sizeof(std::optional<Response>);
    const std::size_t cell = ((held > 64 ? held + 4 : held) + 63) / 64 * 64;
    if (cell == 64) { capacity = std::bit_ceil(capacity); }
    return (producers + 1) * (capacity * (cell + (held > 64 ? 8 : 0) + 128) + 2048);
}

template <std::size_t Asked, std::size_t Answered = Asked>
void expect_what_is_documented(std::uint32_t capacity, std::uint32_t producers, std::uint32_t bulk_capacity = 0) {
    asio::io_context io;
    auto asked = one_worker(capacity, producers);
    if (bulk_capacity != 0) { asked.pools.front().lane.bulk = bulk_plan{bulk_capacity}; }
    bridge b(io, asked);
    b.open<payload<Asked>, payload<Answered>, answers<Asked, Answered>>("p");
    b.start();
    const auto pages_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    auto most = documented<payload<Asked>, payload<Answered>>(capacity, producers);
    const auto lanes = (producers + 1) * (bulk_capacity != 0 ? 2 : 1);
    if (bulk_capacity != 0) { most += documented<payload<Asked>, payload<Answered>>(bulk_capacity, producers); }
    bool seen = false;
    for (const auto& placed : b.placements()) {
        if (placed.subject != placement_subject::lane_memory) { continue; }
        seen = true;
        ASSERT_TRUE(placed.pages);
        const auto taken = placed.pages->asked * pages_size;
        EXPECT_LE(taken, most + pages_size) << capacity << " places of " << Asked << " and " << Answered << " bytes";
        EXPECT_GT(taken + 2048 * lanes, most) << "the formula promises more than is taken";
    }
    EXPECT_TRUE(seen);
}

TEST(lane_memory, is_what_the_formula_says) {
    expect_what_is_documented<8>(1024, 4);
    expect_what_is_documented<16>(4096, 4);
    expect_what_is_documented<8>(1, 1);
    expect_what_is_documented<8>(1000, 2);       // rounded up to 1024
    expect_what_is_documented<64>(1000, 2);      // not rounded
    expect_what_is_documented<64>(512, 16);
    expect_what_is_documented<1024>(100, 2);
    expect_what_is_documented<16, 8>(2048, 4);   // fills one line
    expect_what_is_documented<80, 8>(2048, 4);   // would fill two without its link
    expect_what_is_documented<72, 8>(2048, 4);
}

TEST(lane_memory, counts_the_lanes_of_class_bulk_too) {
    expect_what_is_documented<8>(1024, 4, 256);
    expect_what_is_documented<1024>(64, 4, 2048);
}

}  // namespace
}  // namespace numasio::test
