// The schedule shaker: absent where it is not asked for; where it is, threads meet between any two operations of a protocol.
#include <numasio/detail/atomics.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>

namespace numasio::test {
namespace {

using word = detail::std_atomics::atomic<std::uint64_t>;
static_assert(sizeof(word) == sizeof(std::atomic<std::uint64_t>) && alignof(word) == alignof(std::atomic<std::uint64_t>));

#ifdef NUMASIO_SHAKE

TEST(shake, lets_another_thread_in_between_a_look_and_a_write) {
    constexpr std::uint64_t each = 20'000;
    word counted{0};
    const auto count = [&] {
        for (std::uint64_t i = 0; i < each; ++i) {
            const auto seen = counted.load(std::memory_order_relaxed);
            counted.store(seen + 1, std::memory_order_relaxed);
        }
    };
    std::thread other(count);
    count();
    other.join();
    EXPECT_LT(counted.load(), 2 * each) << "none was lost";
}

#else

TEST(shake, is_not_there_where_it_is_not_asked_for) {
    EXPECT_TRUE((std::is_same_v<word, std::atomic<std::uint64_t>>));
}

#endif

}  // namespace
}  // namespace numasio::test
