// What a ring of cells costs where many have ended out of order: looks at cells, counted.
#include <numasio/detail/inline_ring.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace numasio::detail {
namespace {

struct counting_state : cell_state {
    bool has_ended_since(std::uint64_t turn) const noexcept {
        ++looks;
        return cell_state::has_ended_since(turn);
    }
    static inline std::uint64_t looks = 0;
};
struct counting_cell {
    using state_type = counting_state;
    state_type state;
};

TEST(inline_ring, what_a_stop_takes_back_is_found_with_few_looks_at_each_however_many_there_are) {
    for (const std::uint32_t capacity : {64U, 4'096U, 65'536U}) {
        std::vector<counting_cell> cells(capacity);
        int arena = 0;
        basic_inline_ring<std_atomics, counting_cell> ring(cells.data(), capacity, arena);
        for (std::uint32_t i = 0; i < capacity; ++i) {
            ASSERT_TRUE(ring.reserve());
            ring.publish(ring.claim());
        }
        // The worker is inside the first and does not come back.
        ASSERT_TRUE(cells[0].state.try_run(cells[0].state.turn()));
        for (std::uint32_t slot = 0; slot < capacity; ++slot) { EXPECT_EQ(ring.revoke(slot), slot != 0); }
        counting_state::looks = 0;
        std::uint32_t found = 0;
        while (const auto n = ring.take_ended(64, true, [&](std::uint32_t slot) { ring.recycle(slot, false); })) {
            found += static_cast<std::uint32_t>(n);
            for (int spin = 0; spin < 32; ++spin) { static_cast<void>(ring.has_ended(true)); }
        }
        EXPECT_EQ(found, capacity - 1);
        EXPECT_LT(counting_state::looks, 40U * capacity) << capacity;  // 32 of them in 64 cells for each 64 that were delivered
        EXPECT_FALSE(ring.has_ended(true));
    }
}

}  // namespace
}  // namespace numasio::detail
