// The rings of a lane as the benchmarks see them: push and pop one by one, push and consume by batches.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/indexed_ring.hpp>
#include <numasio/detail/inline_ring.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace numasio::bench {

/// Each ring has a `name` and, of messages of type T that may be move-only:
///   bool push(T&&), bool push(const T&)   false if it is full
///   bool pop(T&)                           false if it is empty
///   std::size_t push_batch(std::span<const T>)   how many went in
///   std::size_t consume(f, limit)          calls f(T&) where the message lies, for at most `limit`; how many
/// A new ring is one more class here and its name in `our_rings`, at the end.

/// A lane's ring alone, as it carries requests and takes replies back: the consumer is worker and drain in one.
template <class T, template <class> class Ring>
class lane_ring {
public:
    explicit lane_ring(std::uint32_t capacity) : cells_(ring_type::cells_for(capacity)), ring_(cells_.data(), capacity, *std::pmr::new_delete_resource()) {}
    lane_ring(const lane_ring&) = delete;
    lane_ring& operator=(const lane_ring&) = delete;
    ~lane_ring() {
        while (consume([](T&) {}, cells_.size()) != 0) {}
    }

    template <class M>
    bool push(M&& message) {
        if (!ring_.reserve()) { return false; }
        const auto one = ring_.claim();
        new (cells_[one.slot].place) T(std::forward<M>(message));
        ring_.publish(one);
        return true;
    }
    std::size_t push_batch(std::span<const T> messages) {
        std::size_t n = 0;
        while (n < messages.size() && push(messages[n])) { ++n; }
        return n;
    }

    bool pop(T& out) {
        return consume([&](T& message) { out = std::move(message); }, 1) != 0;
    }
    template <class F>
    std::size_t consume(F f, std::size_t limit) {
        const auto n = ring_.consume(limit, [&](detail::ticket one, auto &&) {
            auto& c = cells_[one.slot];
            f(c.get());
            c.get().~T();
            c.state.finish(one.turn);
            return true;
        });
        return ring_.take_ended(n, false, [&](std::uint32_t slot) { ring_.recycle(slot, false); });
    }

private:
    struct alignas(64) cell {  // as a lane's
        using state_type = detail::cell_state;
        state_type state;
        std::uint32_t next = 0;  // of the ring that travels by number
        alignas(T) std::byte place[sizeof(T)];
        T& get() noexcept { return *std::launder(reinterpret_cast<T*>(place)); }
    };

    using ring_type = Ring<cell>;

    std::vector<cell> cells_;
    ring_type ring_;
};

template <class T>
struct inline_lane_ring : lane_ring<T, detail::inline_ring> {
    static constexpr const char* name = "numasio lane's ring, inline";
    using lane_ring<T, detail::inline_ring>::lane_ring;
};
template <class T>
struct indexed_lane_ring : lane_ring<T, detail::indexed_ring> {
    static constexpr const char* name = "numasio lane's ring of slot numbers";
    using lane_ring<T, detail::indexed_ring>::lane_ring;
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
using our_rings = ring_list<inline_lane_ring, indexed_lane_ring>;

}  // namespace numasio::bench
