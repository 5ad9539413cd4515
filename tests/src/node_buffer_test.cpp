// Buffers of a node's memory: one owner at a time, all given back, whoever ends them and whenever.
#include <numasio/node_buffer.hpp>

#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio::test {
namespace {

using namespace numasio::literals;

static_assert(std::is_nothrow_default_constructible_v<node_buffer>);
static_assert(std::is_nothrow_move_constructible_v<node_buffer> && std::is_nothrow_move_assignable_v<node_buffer>);
static_assert(!std::is_copy_constructible_v<node_buffer> && !std::is_copy_assignable_v<node_buffer>);
static_assert(!std::is_convertible_v<node_buffer, std::span<std::byte>>, "its bytes would be gone");

class buffers : public ::testing::Test {
protected:
    static node_id node() {
        const topology machine = discover_topology();
        return machine.nearest_memory(machine.executor_nodes().front()).value();
    }
    node_buffers from_{2_MiB, node()};
    const bytes at_first_ = from_.used();
};

TEST_F(buffers, are_bytes_of_their_own_on_a_cache_line_and_come_back_when_they_end) {
    std::vector<node_buffer> taken;
    std::uint64_t sizes = 0;
    for (const std::size_t size : {1U, 63U, 64U, 65U, 4096U, 32768U, 100'001U}) {
        auto& b = taken.emplace_back(from_.take(size));
        ASSERT_TRUE(b);
        EXPECT_EQ(b.size(), size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % node_buffers::alignment, 0U) << size;
        std::fill(b.begin(), b.end(), static_cast<std::byte>(taken.size()));
        sizes += size;
    }
    EXPECT_GE(from_.used().value, at_first_.value + sizes);
    EXPECT_LE(from_.used(), from_.limit());
    for (std::size_t i = 0; i < taken.size(); ++i) {
        const auto filled = static_cast<std::ptrdiff_t>(taken[i].size());
        EXPECT_EQ(std::count(taken[i].begin(), taken[i].end(), static_cast<std::byte>(i + 1)), filled);
    }
    taken.clear();
    EXPECT_EQ(from_.used(), at_first_);
}

TEST_F(buffers, have_one_owner_and_what_was_moved_from_is_empty) {
    node_buffer a = from_.take(100);
    std::byte* const start = a.data();
    node_buffer b(std::move(a));
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): what is left is part of the contract
    EXPECT_EQ(a.size(), 0U);
    EXPECT_EQ(b.data(), start);
    const auto one = from_.used();
    a = from_.take(5000);
    a = std::move(b);  // the 5000 end
    EXPECT_EQ(a.data(), start);
    EXPECT_EQ(a.size(), 100U);
    EXPECT_FALSE(b);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(from_.used(), one);
    node_buffer& same = a;
    a = std::move(same);
    EXPECT_EQ(a.data(), start);
    a = {};
    EXPECT_EQ(a.data(), nullptr);
    EXPECT_EQ(from_.used(), at_first_);
}

TEST_F(buffers, are_spans_where_spans_are_wanted) {
    const auto first = [](std::span<const std::byte> s) { return s.front(); };
    const auto write = [](std::span<std::byte> s) { s.front() = std::byte{7}; };
    const node_buffer b = from_.take(10);
    write(b);
    EXPECT_EQ(first(b), std::byte{7});
    EXPECT_EQ(std::span(b).data(), b.data());
    EXPECT_EQ(std::span(b).size(), 10U);
    const node_buffer empty;
    EXPECT_TRUE(std::span(empty).empty());
}

TEST_F(buffers, of_no_bytes_are_not_empty_and_empty_ones_cost_nothing) {
    const node_buffer empty;
    EXPECT_FALSE(empty);
    EXPECT_EQ(empty.begin(), empty.end());
    EXPECT_EQ(from_.used(), at_first_);
    const node_buffer none = from_.take(0);
    const node_buffer other = from_.try_take(0);
    EXPECT_TRUE(none);
    EXPECT_EQ(none.size(), 0U);
    EXPECT_NE(none.data(), other.data());
}

TEST_F(buffers, that_do_not_fit_are_refused_whatever_their_size) {
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    const node_buffer held = from_.take(1000);
    const auto before = from_.used();
    for (const std::size_t size : {most, most - 1, most - 63, most - 64, most / 2 + 1, most / 2, std::size_t{from_.limit().value}}) {
        EXPECT_THROW(from_.take(size), std::bad_alloc) << size;
        EXPECT_FALSE(from_.try_take(size)) << size;
    }
    EXPECT_EQ(from_.used(), before);
}

TEST_F(buffers, are_refused_when_all_are_out_and_there_again_whichever_ends) {
    for (const std::size_t size : {1U, 1000U, 32768U}) {
        std::vector<node_buffer> all;
        while (auto b = from_.try_take(size)) { all.push_back(std::move(b)); }
        EXPECT_GE(all.size(), (from_.limit().value - at_first_.value) / (size + 80));
        EXPECT_THROW(from_.take(size), std::bad_alloc);
        for (auto& one : all) {
            std::byte* const start = one.data();
            one = {};
            one = from_.take(size);
            ASSERT_EQ(one.data(), start);
        }
        all.clear();
        EXPECT_EQ(from_.used(), at_first_);
    }
    EXPECT_TRUE(from_.try_take(from_.limit().value - at_first_.value - 128));  // one piece again
}

TEST_F(buffers, that_threads_take_fill_hand_on_and_end_are_never_shared_or_lost) {
    struct slot {
        std::atomic<node_buffer*> held{nullptr};
    };
    std::array<slot, 16> swap;
    const auto intact = [](const node_buffer& b) {
        return std::all_of(b.begin(), b.end(), [&](std::byte x) { return x == *b.begin(); });
    };
    const auto work = [&](unsigned seed) {
        std::mt19937 dice(seed);
        for (int i = 0; i < 3000; ++i) {
            auto* mine = new node_buffer(from_.try_take(1 + dice() % 100'000));
            std::fill(mine->begin(), mine->end(), static_cast<std::byte>(dice()));
            mine = swap[dice() % swap.size()].held.exchange(mine);  // somebody else's, maybe
            if (mine != nullptr) { EXPECT_TRUE(intact(*mine)); }
            delete mine;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) { threads.emplace_back(work, t); }
    for (auto& t : threads) { t.join(); }
    for (auto& s : swap) { delete s.held.exchange(nullptr); }
    EXPECT_EQ(from_.used(), at_first_);
}

TEST_F(buffers, outlive_what_they_were_taken_from_and_may_end_on_any_thread) {
    std::optional<node_buffers> gone(std::in_place, 1_MiB, node());
    std::array<node_buffer, 3> left = {gone->take(50'000), gone->take(0), gone->take(100)};
    gone.reset();
    std::fill(left[0].begin(), left[0].end(), std::byte{9});
    EXPECT_EQ(std::count(left[0].begin(), left[0].end(), std::byte{9}), 50'000);
    std::vector<std::thread> threads;
    for (auto& b : left) {
        threads.emplace_back([mine = std::move(b)]() mutable { mine = {}; });
    }
    for (auto& t : threads) { t.join(); }
}

TEST_F(buffers, are_the_last_to_hold_their_memory_and_then_it_is_unmapped) {
    std::optional<node_buffers> gone(std::in_place, 1_MiB, node());
    node_buffer last = gone->take(1);
    gone.reset();
    const auto page = std::uintptr_t{node_region(bytes{1}).page_size().value};
    void* const where = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(last.data()) / page * page);
    unsigned char present = 0;
    EXPECT_EQ(::mincore(where, 1, &present), 0);
    last = {};
    EXPECT_EQ(::mincore(where, 1, &present), -1);
    EXPECT_EQ(errno, ENOMEM);
}

TEST_F(buffers, come_from_memory_that_is_placed_as_asked_and_audited) {
    EXPECT_EQ(from_.placed().outcome, placement_outcome::honoured);
    EXPECT_EQ(from_.placed().nodes, std::vector{node()});
    EXPECT_EQ(from_.audit().on(node()), (2_MiB).value / node_region(bytes{1}).page_size().value);
    region_options loose;
    loose.policy = memory_policy::preferred;
    loose.nodes = {node()};
    loose.enforce = enforcement::best_effort;
    EXPECT_TRUE(node_buffers(1_MiB, loose).placed().bound);
}

TEST_F(buffers, fail_as_their_region_does_and_where_the_bookkeeping_does_not_fit) {
    EXPECT_THROW(node_buffers(4_KiB, node()), std::invalid_argument);
    EXPECT_THROW(node_buffers(bytes{0}, node()), boost::system::system_error);
    EXPECT_THROW(node_buffers(1_MiB, node_id{1023}), boost::system::system_error);
    EXPECT_THROW(node_buffers(1_MiB, region_options{}), boost::system::system_error);
}

}  // namespace
}  // namespace numasio::test
