// Neighbours in an array share no pair of cache lines.
#include <numasio/cache_padded.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace numasio::test {
namespace {

TEST(cache_padded, neighbours_are_two_lines_apart) {
    std::array<cache_padded<char>, 3> all{cache_padded<char>('a'), cache_padded<char>('b'), cache_padded<char>('c')};
    for (std::size_t i = 0; i < all.size(); ++i) { EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&*all[i]) % 128, 0U); }
    EXPECT_EQ(&*all[1] - &*all[0], 128);
    EXPECT_EQ(*all[2], 'c');
    static_assert(sizeof(cache_padded<std::array<char, 129>>) == 256);
}

TEST(cache_padded, holds_what_can_be_built_in_place_and_what_only_moves) {
    cache_padded<std::atomic<int>> counter(3);
    counter->fetch_add(1);
    EXPECT_EQ(counter->load(), 4);
    cache_padded<std::string> text(3U, 'x');
    EXPECT_EQ(*text, "xxx");
    cache_padded<std::unique_ptr<int>> one(std::make_unique<int>(7));
    const auto other = std::move(one);
    EXPECT_EQ(**other, 7);
    static_assert(!std::is_copy_constructible_v<cache_padded<std::unique_ptr<int>>>);
    static_assert(!std::is_convertible_v<int, cache_padded<int>>);
    static_assert(std::is_nothrow_default_constructible_v<cache_padded<int>>);
}

}  // namespace
}  // namespace numasio::test
