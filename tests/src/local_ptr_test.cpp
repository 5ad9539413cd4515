// Shared ownership on one thread, in whichever memory it is given.
#include "support/memory_arena.hpp"

#include <numasio/local_ptr.hpp>
#include <numasio/node_memory.hpp>

#include <gtest/gtest.h>

#include <memory_resource>
#include <stdexcept>

namespace numasio::test {
namespace {

struct tracked {
    explicit tracked(int& count) : alive(count) { ++alive; }
    ~tracked() { --alive; }
    int& alive;
};

TEST(local_ptr, the_last_copy_destroys) {
    int alive = 0;
    auto one = make_local<tracked>(alive);
    {
        const auto other = one;
        one.reset();
        EXPECT_EQ(alive, 1);
        EXPECT_EQ(other.local_use_count(), 1);
    }
    EXPECT_EQ(alive, 0);
}

TEST(local_ptr, may_live_in_node_memory_and_gives_it_back) {
    arena<node_memory> node(64 << 10);
    const auto before = node.memory.used();
    int alive = 0;
    {
        const auto one = allocate_local<tracked>(std::pmr::polymorphic_allocator<>(&node.memory), alive);
        EXPECT_GT(node.memory.used().value, before.value);
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(node.memory.used(), before);
}

TEST(local_ptr, full_node_memory_throws_and_takes_nothing) {
    arena<node_memory> node(64 << 10);
    struct large {
        std::byte room[128 << 10];
    };
    const auto before = node.memory.used();
    EXPECT_THROW(allocate_local<large>(std::pmr::polymorphic_allocator<>(&node.memory)), std::bad_alloc);
    EXPECT_EQ(node.memory.used(), before);
}

}  // namespace
}  // namespace numasio::test
