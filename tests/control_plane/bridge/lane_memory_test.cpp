// What lanes take is what docs/plan.md says that they take.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace numasio::test {
namespace {

template <std::size_t Bytes>
struct payload {
    std::array<std::uint64_t, Bytes / 8> words{};
};

template <std::size_t Bytes>
struct echo {
    explicit echo(node_context&) {}
    payload<Bytes> operator()(const payload<Bytes>& x) const { return x; }
};

/// The formula of docs/plan.md.
template <class Request, class Response>
std::size_t documented(std::size_t capacity, std::size_t producers) {
    const std::size_t held = 24 + sizeof(std::optional<Request>) + sizeof(std::optional<Response>);
    const std::size_t cell = (held + 63) / 64 * 64;
    return (producers + 1) * (capacity * (cell + (cell > 64 ? 8 : 0) + 128) + 2048);
}

template <std::size_t Bytes>
void expect_what_is_documented(std::uint32_t capacity, std::uint32_t producers) {
    asio::io_context io;
    bridge b(io, one_worker(capacity, producers));
    b.open<payload<Bytes>, payload<Bytes>, echo<Bytes>>("p");
    b.start();
    const auto pages_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto most = documented<payload<Bytes>, payload<Bytes>>(capacity, producers);
    bool seen = false;
    for (const auto& placed : b.placements()) {
        if (placed.subject != placement_subject::lane_memory) { continue; }
        seen = true;
        ASSERT_TRUE(placed.pages);
        const auto taken = placed.pages->asked * pages_size;
        EXPECT_LE(taken, most + pages_size) << capacity << " places of " << Bytes << " bytes";
        EXPECT_GT(taken + 2048 * (producers + 1), most) << "the formula promises more than is taken";
    }
    EXPECT_TRUE(seen);
}

TEST(lane_memory, is_what_the_formula_says) {
    expect_what_is_documented<8>(1024, 4);
    expect_what_is_documented<16>(4096, 4);
    expect_what_is_documented<8>(1, 1);
    expect_what_is_documented<64>(512, 16);
    expect_what_is_documented<1024>(100, 2);
}

}  // namespace
}  // namespace numasio::test
