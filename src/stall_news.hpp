// A word that changes when any pool of the process is given another limit for stalls, so that who sleeps until its next look looks at once.
#pragma once

#include <atomic>
#include <cstdint>

namespace numasio::detail {

/// One for all pools and all who look after them: a limit is given seldom, and a look too many costs little.
class stall_news {
public:
    /// [limit-1] Pairs with [limit-2] in tell(): taken BEFORE the look, so that a limit which the look has missed ends the sleep behind it.
    static std::uint32_t seen() noexcept { return word.load(std::memory_order_acquire); }
    /// Something is to be looked at: behind what is to be found. Threads: any. Cost: a system call.
    static void tell() noexcept;

    static std::atomic<std::uint32_t> word;  ///< a futex
};

}  // namespace numasio::detail
