// Blocks of tasks: cut from pages of their node, kept by threads, handed on by those that end.
#include <numasio/detail/task_blocks.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

using detail::block_origin;
using detail::give_block;
using detail::take_block;

// Depots that no worker of this program has.
constexpr std::uint32_t place = 60, other_place = 61;

struct taken {
    void* block;
    block_origin origin;
};
template <std::size_t Size>
std::vector<taken> take_some(std::size_t n) {
    std::vector<taken> out(n);
    for (auto& t : out) {
        t.block = take_block<Size, 64>(t.origin);
        std::memset(t.block, 1, Size);
    }
    return out;
}
template <std::size_t Size>
void give(const std::vector<taken>& all) {
    for (const auto& t : all) { give_block<Size, 64>(t.block, t.origin); }
}
/// The pages that they are on.
void note(std::set<std::uintptr_t>& pages, const std::vector<taken>& all) {
    for (const auto& t : all) { pages.insert(reinterpret_cast<std::uintptr_t>(t.block) >> 12); }
}

TEST(TaskBlocks, of_a_worker_are_aligned_apart_and_taken_again) {
    std::thread([] {
        detail::keep_blocks_of(place, std::nullopt);
        const auto small = take_some<64>(500);
        const auto large = take_some<512>(500);
        std::set<std::uintptr_t> at;
        for (const auto& t : small) { at.insert(reinterpret_cast<std::uintptr_t>(t.block)); }
        for (const auto& t : large) {
            for (std::uintptr_t part = 0; part < 512; part += 64) { at.insert(reinterpret_cast<std::uintptr_t>(t.block) + part); }
        }
        EXPECT_EQ(at.size(), 500u + 8 * 500u);
        for (const auto one : at) { EXPECT_EQ(one % 64, 0u); }
        give<64>(small);
        give<512>(large);
        std::size_t again = 0;
        for (const auto& t : take_some<64>(500)) { again += at.contains(reinterpret_cast<std::uintptr_t>(t.block)); }
        EXPECT_GE(again, 450u);  // some are the ends of pages on which no large one had room
    }).join();
}

TEST(TaskBlocks, that_threads_leave_behind_are_those_of_the_next_ones) {
    std::set<std::uintptr_t> pages;
    const auto live = [&pages] {
        detail::keep_blocks_of(other_place, std::nullopt);
        const auto a = take_some<64>(20);
        const auto b = take_some<256>(20);
        const auto c = take_some<512>(20);
        note(pages, a);
        note(pages, b);
        note(pages, c);
        give<64>(a);
        give<256>(b);
        give<512>(c);
        detail::give_back_blocks();
    };
    std::thread(live).join();
    const auto first = pages.size();
    for (int life = 0; life < 100; ++life) { std::thread(live).join(); }
    EXPECT_LE(pages.size(), first + 5);  // the rest of what the first had not cut up
}

TEST(TaskBlocks, come_back_to_a_worker_from_a_thread_that_is_about_to_end) {
    std::thread([] {
        detail::keep_blocks_of(place, std::nullopt);
        auto sent = take_some<128>(64);
        std::thread([&] { give<128>(sent); }).join();
        std::set<void*> known;
        for (const auto& t : sent) { known.insert(t.block); }
        std::size_t back = 0;
        for (const auto& t : take_some<128>(200)) { back += known.contains(t.block); }
        EXPECT_EQ(back, 64u);
    }).join();
}

}  // namespace
}  // namespace numasio::test
