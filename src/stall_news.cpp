// Wakes whoever sleeps until its next look for stalls.
#include "src/stall_news.hpp"

#include <numasio/detail/platform.hpp>

namespace numasio::detail {

constinit std::atomic<std::uint32_t> stall_news::word{0};

void stall_news::tell() noexcept {
    word.fetch_add(1, std::memory_order_release);  // [limit-2] Pairs with [limit-1]
    futex_wake_all(word);
}

}  // namespace numasio::detail
