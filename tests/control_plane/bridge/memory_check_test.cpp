// Memory that the machine cannot give is refused before a thread exists, with place, amounts and remedy.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace numasio::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct large_reply {  // so that lanes of the largest plan fit into no machine
    std::array<std::byte, 65536> bytes;
};
struct replier {
    explicit replier(node_context&) {}
    large_reply operator()(int) const noexcept { return {}; }
};

std::string refusal(plan asked) {
    asio::io_context io;
    bridge b{io, std::move(asked)};
    b.open<int, large_reply, replier>("p");
    std::string checked;
    try {
        b.check();
    } catch (const plan_error& e) {
        checked = e.what();
    }
    if (checked.empty()) { return checked; }
    std::string started;
    try {
        b.start();
    } catch (const plan_error& e) {
        started = e.what();
    }
    // But for the last amount: what the machine has to give changes from moment to moment.
    EXPECT_EQ(checked.substr(0, checked.find("expected")), started.substr(0, started.find("expected")));
    EXPECT_TRUE(b.status().workers.empty());
    return checked;
}

TEST(memory_check, says_nothing_where_all_fits) { EXPECT_EQ(refusal(one_worker(8, 1)), ""); }

TEST(memory_check, names_the_pool_its_key_the_amounts_and_what_the_node_has) {
    auto asked = one_worker();
    asked.pools.front().memory.per_worker = bytes{1ULL << 44};
    asked.marks["pools.p.memory.per_worker"] = {"plan.yaml", 7, 15, {}};
    EXPECT_THAT(refusal(asked),
                AllOf(HasSubstr("plan.yaml:7:15: pools.p.memory.per_worker: 1 worker takes 16TiB for the service"),
                      HasSubstr("node "), HasSubstr("expected at most "), HasSubstr("lower memory.per_worker")));
}

TEST(memory_check, blames_the_lanes_where_they_weigh_more) {
    auto asked = one_worker(1'048'576, 1024);
    EXPECT_THAT(refusal(asked), AllOf(HasSubstr("pools.p.lane.capacity: "), HasSubstr("lower lane.capacity")));
}

TEST(memory_check, holds_pools_that_are_bound_to_no_node_against_all_memory) {
    auto asked = one_worker();
    asked.pools.front().memory = {memory_policy::preferred, bytes{1ULL << 44}};
    EXPECT_THAT(refusal(asked), HasSubstr("all that this process can have now"));
    asked.simulate_nodes = 1;
    EXPECT_THAT(refusal(asked), HasSubstr("all that this process can have now"));
}

TEST(memory_check, counts_huge_pages_that_no_pool_has_as_usual_ones_or_refuses_them_as_the_plan_asks) {
    auto asked = one_worker();
    asked.pools.front().memory = {memory_policy::bind, bytes{1ULL << 44}, page_kind::huge_1gib};
    EXPECT_THAT(refusal(asked), HasSubstr("pools.p.memory.per_worker: 1 worker takes 16TiB")) << "best effort takes usual ones";
    asked.pools.front().enforce = enforcement::strict;
    asked.marks["pools.p.memory.pages"] = {"plan.yaml", 8, 14, {}};
    EXPECT_THAT(refusal(asked), AllOf(HasSubstr("plan.yaml:8:14: pools.p.memory.pages: 1 worker finds too few pages of 1GiB: 16384 needed, free: "),
                                      HasSubstr("on node "), HasSubstr("hugepages-1048576kB/nr_hugepages"), HasSubstr("enforcement: best_effort")));
}

TEST(memory_check, holds_the_share_of_each_node_of_strictly_interleaved_memory_against_it) {
    auto asked = one_worker();
    asked.pools.front().memory = {memory_policy::interleave, bytes{1ULL << 44}};
    EXPECT_THAT(refusal(asked), HasSubstr("all that this process can have now"));
    asked.pools.front().enforce = enforcement::strict;
    EXPECT_THAT(refusal(asked), AllOf(HasSubstr("has to give now"), HasSubstr("1 worker takes 16TiB for the service")));
}

}  // namespace
}  // namespace numasio::test
