// Work that a task pool waits for although no task of it is queued: how much there is, and who tells that it is over.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// Threads: any. Whoever waits for the end of the work may see it before who ended it has told; so it waits for is_told() too, before it destroys what that uses.
template <class Atomics>
class basic_tracked_work {
public:
    void begins() noexcept { count_.fetch_add(1, Atomics::relaxed); }
    /// True: it was the last. Whoever waits is to be told, and told() called then.
    [[nodiscard]] bool ends() noexcept {
        auto now = count_.load(Atomics::relaxed);
        for (;;) {
            const bool last = now % teller == 1;
            // [work-1] Release: who sees the end sees what was done and queued before.
            if (count_.compare_exchange_weak(now, last ? now - 1 + teller : now - 1, Atomics::release, Atomics::relaxed)) { return last; }
        }
    }
    void told() noexcept { count_.fetch_sub(teller, Atomics::release); }  // [work-2]

    bool is_none() const noexcept { return count_.load(Atomics::acquire) % teller == 0; }  // [work-1]
    bool is_told() const noexcept { return count_.load(Atomics::acquire) < teller; }       // [work-2]
    std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(count_.load(Atomics::relaxed)); }

private:
    static constexpr std::uint64_t teller = std::uint64_t{1} << 32;

    typename Atomics::template atomic<std::uint64_t> count_{0};  // above 32 bits: those who tell
};

}  // namespace numasio::detail
