// The rings of a lane as the benchmarks see them: push and pop one by one, push and consume by batches.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace numasio::bench {

/// Each ring has a `name` and, of messages of type T that may be move-only:
///   bool push(T&&), bool push(const T&)   false if it is full
///   bool pop(T&)                           false if it is empty
///   std::size_t push_batch(std::span<const T>)   how many went in; published once
///   std::size_t consume(f, limit)          calls f(T&) where the message lies, for at most `limit`; how many
/// A new ring is one more class here and its name in `our_rings`, at the end.

/// Cells, and two of Boost's rings of their numbers: to the consumer, and back when they are free. What
/// numasio/detail/lane.hpp does with requests and replies.
template <class T>
class index_ring {
public:
    static constexpr const char* name = "numasio ring of slot numbers";

    explicit index_ring(std::uint32_t capacity)
        : cells_(capacity), idle_(capacity), idle_count_(capacity), filled_(capacity), freed_(capacity) {
        std::iota(idle_.begin(), idle_.end(), 0u);
    }
    index_ring(const index_ring&) = delete;
    index_ring& operator=(const index_ring&) = delete;
    ~index_ring() {
        consume([](T&) {}, cells_.size());
    }

    template <class M>
    bool push(M&& message) {
        if (idle_first_ == idle_count_ && !refill()) { return false; }
        const auto slot = idle_[idle_first_++];
        new (cells_[slot].place) T(std::forward<M>(message));
        filled_.push(slot);
        return true;
    }
    std::size_t push_batch(std::span<const T> messages) {
        std::size_t n = 0;
        while (n < messages.size() && (idle_first_ != idle_count_ || refill())) {
            const auto some = std::min(messages.size() - n, idle_count_ - idle_first_);
            for (std::size_t i = 0; i < some; ++i) { new (cells_[idle_[idle_first_ + i]].place) T(messages[n + i]); }
            filled_.push(idle_.data() + idle_first_, some);
            idle_first_ += some;
            n += some;
        }
        return n;
    }

    bool pop(T& out) {
        std::uint32_t slot = 0;
        if (!filled_.pop(slot)) { return false; }
        auto& message = cells_[slot].get();
        out = std::move(message);
        message.~T();
        freed_.push(slot);
        return true;
    }
    template <class F>
    std::size_t consume(F f, std::size_t limit) {
        std::array<std::uint32_t, 64> taken;
        std::size_t n = 0;
        while (n < limit) {
            const auto some = filled_.pop(taken.data(), std::min(limit - n, taken.size()));
            if (some == 0) { break; }
            for (std::size_t i = 0; i < some; ++i) {
                auto& message = cells_[taken[i]].get();
                f(message);
                message.~T();
            }
            freed_.push(taken.data(), some);
            n += some;
        }
        return n;
    }

private:
    struct cell {
        alignas(T) std::byte place[sizeof(T)];
        T& get() noexcept { return *std::launder(reinterpret_cast<T*>(place)); }
    };
    bool refill() {
        idle_first_ = 0;
        idle_count_ = freed_.pop(idle_.data(), idle_.size());
        return idle_count_ != 0;
    }

    std::vector<cell> cells_;
    // Producer.
    alignas(64) std::vector<std::uint32_t> idle_;
    std::size_t idle_first_ = 0;
    std::size_t idle_count_ = 0;
    alignas(64) boost::lockfree::spsc_queue<std::uint32_t> filled_;
    alignas(64) boost::lockfree::spsc_queue<std::uint32_t> freed_;
};

template <template <class> class... Rings>
struct ring_list {
    /// Calls f.template operator()<Ring>() for each.
    template <class F>
    static void each(F&& f) {
        (f.template operator()<Rings>(), ...);
    }
};

/// Every ring that is measured.
using our_rings = ring_list<index_ring>;

}  // namespace numasio::bench
