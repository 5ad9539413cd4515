// Tasks that come to a node, or to one of its workers, from other threads: bounded, first come, first served.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace numasio::detail {

/// Vyukov's bounded queue: a place tells by its turn whose it is. Who takes, takes all that is there up to a number, in one exchange.
/// Threads: any. Blocks: never; a thread that stopped half way through push() hides what was added after its item, until it has told of it.
template <class Atomics, class T>
class basic_task_inbox {
public:
    /// `capacity`: a power of two, 2 at least. Fails: std::bad_alloc. Lifetime: `memory` outlives it.
    explicit basic_task_inbox(std::uint32_t capacity, std::pmr::memory_resource& memory = *std::pmr::new_delete_resource())
        : last_(capacity - 1), places_(capacity, &memory) {
        for (std::uint32_t i = 0; i < capacity; ++i) { places_[i].turn.store(i, Atomics::relaxed); }
    }

    std::uint32_t capacity() const noexcept { return last_ + 1; }
    /// What it takes of its memory.
    static constexpr std::size_t bytes_for(std::uint32_t capacity) noexcept { return capacity * sizeof(place); }

    /// False: full, and nothing has happened.
    bool push(T* item) noexcept {
        auto at = tail_.load(Atomics::relaxed);
        for (;;) {
            auto& p = places_[at & last_];
            const auto ahead = static_cast<std::int64_t>(p.turn.load(Atomics::acquire) - at);  // [inbox-2]
            if (ahead < 0) { return false; }
            if (ahead > 0) {
                at = tail_.load(Atomics::relaxed);
            } else if (tail_.compare_exchange_weak(at, at + 1, Atomics::relaxed, Atomics::relaxed)) {
                p.item = item;
                p.turn.store(at + 1, Atomics::release);  // [inbox-1] Pairs with take(): the item and what it points to
                return true;
            }
        }
    }

    /// Calls `use(T*)` for up to `most` items, the oldest first; returns how many.
    template <class Use>
    std::size_t take(std::size_t most, Use&& use) noexcept {
        auto at = head_.load(Atomics::relaxed);
        for (;;) {
            std::uint64_t n = 0;
            while (n < most && places_[(at + n) & last_].turn.load(Atomics::acquire) == at + n + 1) { ++n; }  // [inbox-1]
            if (n == 0) {
                const auto now = head_.load(Atomics::relaxed);
                if (now == at) { return 0; }
                at = now;  // others took it in the meantime, and there may be more
                continue;
            }
            if (!head_.compare_exchange_weak(at, at + n, Atomics::relaxed, Atomics::relaxed)) { continue; }
            for (std::uint64_t i = 0; i < n; ++i) {
                auto& p = places_[(at + i) & last_];
                T* const item = p.item;
                p.turn.store(at + i + last_ + 1, Atomics::release);  // [inbox-2] Pairs with push(): the item has been read
                use(item);
            }
            return n;
        }
    }

    /// Is there something to take, or was there lately?
    bool has_some() const noexcept {
        const auto at = head_.load(Atomics::relaxed);
        return places_[at & last_].turn.load(Atomics::relaxed) == at + 1;
    }
    /// The same of another behind it. Cost: less than size(), which takes the cache line from those who push.
    bool has_two() const noexcept {
        const auto second = head_.load(Atomics::relaxed) + 1;
        return places_[second & last_].turn.load(Atomics::relaxed) == second + 1;
    }
    /// About how many there are.
    std::uint32_t size() const noexcept {
        const auto head = head_.load(Atomics::relaxed);
        const auto n = static_cast<std::int64_t>(tail_.load(Atomics::relaxed) - head);
        return n > 0 ? static_cast<std::uint32_t>(n) : 0;
    }

private:
    struct place {
        typename Atomics::template atomic<std::uint64_t> turn{0};
        typename Atomics::template plain<T*> item{nullptr};
    };

    const std::uint32_t last_;
    std::pmr::vector<place> places_;
    alignas(64) typename Atomics::template atomic<std::uint64_t> tail_{0};
    alignas(64) typename Atomics::template atomic<std::uint64_t> head_{0};
};

}  // namespace numasio::detail
