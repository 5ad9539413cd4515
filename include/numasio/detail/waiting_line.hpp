// Who acts as a lane's producer while calls wait for a place.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// While no line stands, the producer thread acts alone and without a lock. It forms the line when it finds no place; from then on whoever
/// holds the lane's lock acts as its producer, in turn, until one of them finds nobody waiting.
template <class Atomics>
class basic_waiting_line {
public:
    /// Producer thread: false: it may act without the lock. Acquires what was done in its place.
    bool stands() const noexcept { return stands_.load(Atomics::acquire) != 0; }

    /// Producer thread, with the lock, when it has put itself in line. It looks for a place once more after this.
    void form() noexcept {
        stands_.store(1, Atomics::relaxed);
        // [line-1] Pairs with [line-2]: say that somebody waits BEFORE the last look for a place.
        Atomics::full_fence(stands_);
    }
    /// With the lock, when nobody waits any more.
    void dissolve() noexcept { stands_.store(0, Atomics::release); }

    /// Whoever has given places back: is there perhaps somebody to have them?
    bool has_heard() noexcept {
        // [line-2] Pairs with [line-1]: give the place back BEFORE looking whether somebody waits for one.
        Atomics::full_fence(stands_);
        return stands_.load(Atomics::relaxed) != 0;
    }

private:
    typename Atomics::template atomic<std::uint32_t> stands_{0};
};

using waiting_line = basic_waiting_line<std_atomics>;

}  // namespace numasio::detail
