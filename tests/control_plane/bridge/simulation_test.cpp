// A strict plan over pretend nodes: it starts, its pins are real, its memory is told to be simulated.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <algorithm>

namespace numasio::test {
namespace {

TEST(simulation, a_strict_plan_starts_and_says_what_was_not_held_to_it) {
    asio::io_context io;
    auto asked = one_worker();
    asked.simulate_nodes = 1;
    asked.pools.at(0).enforce = enforcement::strict;
    bridge b{io.get_executor(), asked};
    b.open<int, int, incrementer>("p");
    ASSERT_NO_THROW(b.start());
    const auto& notes = b.sites().notes;
    EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const std::string& note) {
        return note.starts_with("enforcement: strict (p) holds for pinning alone");
    }));
    const auto placements = b.placements();
    const auto count = [&](placement_outcome outcome) {
        return std::count_if(placements.begin(), placements.end(), [&](const auto& p) { return p.outcome == outcome; });
    };
    EXPECT_EQ(count(placement_outcome::honoured), 1);  // the worker's pin
    EXPECT_GT(count(placement_outcome::simulated), 0);
    EXPECT_EQ(count(placement_outcome::degraded) + count(placement_outcome::not_enforced), 0);
    EXPECT_TRUE(b.stop(1s).drained());
}

}  // namespace
}  // namespace numasio::test
