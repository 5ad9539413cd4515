// The kernel's steady time from the processor's counter, which is set by the kernel's clock now and then. Private to the library.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

namespace numasio::platform {

/// Of one thread. `Clocks` has counter() and kernel_ns().
/// The counter's rate is believed only where two measurements of it in a row agree: one of them may lie around a suspend, through which the counter
/// goes on, or after which it begins anew, while the kernel's clock stands.
template <class Clocks>
class counter_clock {
public:
    std::int64_t now_ns() noexcept {
        const auto passed = Clocks::counter() - last_.ticks;
        if (passed >= good_for_) { return renew(); }  // also where the counter went back
        return last_.ns + static_cast<std::int64_t>((passed * ns_per_tick_) >> fraction_bits);
    }

private:
    static constexpr std::int64_t window_ns = 250'000;         // how long a reading of the kernel's clock is good for
    static constexpr std::int64_t shortest_ns = window_ns / 2;  // two readings closer together tell no rate
    static constexpr std::int64_t longest_ns = 1'000'000;       // what a rate is measured over, before that begins anew
    static constexpr std::int64_t too_long_ns = 1'000'000'000;
    /// How far off the counter's time may come to be within a window, by how long the readings took: the last one by half of that, the rate
    /// by half of both of its, carried over the window. Where readings are slow the rate is measured over a longer time.
    static constexpr std::int64_t largest_error_ns = 900;
    static constexpr int fraction_bits = 32;

    /// Both clocks at one time.
    struct reading {
        std::uint64_t ticks = 0;
        std::int64_t ns = 0;
        std::uint64_t took = std::numeric_limits<std::uint64_t>::max();  // ticks, from before the kernel's clock was read to after

        /// Of two tries the one that was interrupted least.
        static reading now() noexcept {
            reading best;
            for (int i = 0; i < 2; ++i) {
                const auto before = Clocks::counter();
                const auto ns = Clocks::kernel_ns();
                const auto took = Clocks::counter() - before;
                if (took >= best.took) { break; }
                best = {before + took / 2, ns, took};
            }
            return best;
        }
    };

    [[gnu::noinline, gnu::cold]] std::int64_t renew() noexcept {
        if (good_for_ == 0 && last_.ns != 0) {
            if (const auto now = Clocks::kernel_ns(); now - last_.ns < shortest_ns) { return now; }
        }
        const auto before = std::exchange(last_, reading::now());
        const auto found = measured();
        ns_per_tick_ = good_for_ = 0;
        if (found != 0) {
            const auto known = std::exchange(measured_before_, found);
            const auto differs = known > found ? known - found : found - known;
            if (differs <= known >> 7) {
                ns_per_tick_ = found;
                good_for_ = (static_cast<std::uint64_t>(window_ns) << fraction_bits) / found;
            } else {
                earlier_ = last_;
            }
        }
        const bool is_better = found == 0 && last_.took < earlier_.took / 2;  // the earlier one was interrupted
        if (earlier_.ns == 0 || is_better || last_.ns - earlier_.ns >= too_long_ns) { earlier_ = last_; }
        else if (last_.ns - earlier_.ns >= longest_ns && found != 0) { earlier_ = before; }
        return last_.ns;
    }

    /// Nanoseconds to a tick, 0 where the two readings do not tell it well enough.
    std::uint64_t measured() const noexcept {
        const auto passed_ns = last_.ns - earlier_.ns;
        const auto passed_ticks = last_.ticks - earlier_.ticks;
        if (earlier_.ns == 0 || passed_ns < shortest_ns || passed_ns >= too_long_ns) { return 0; }
        if (passed_ticks == 0 || passed_ticks >= std::uint64_t{1} << 40) { return 0; }
        __extension__ using wide = unsigned __int128;
        const auto found = (static_cast<wide>(passed_ns) << fraction_bits) / passed_ticks;
        const auto half_ns = [found](std::uint64_t duration) { return static_cast<std::int64_t>(duration * found >> fraction_bits) / 2; };
        const auto error_ns = half_ns(last_.took) + half_ns(earlier_.took + last_.took) * window_ns / passed_ns;
        return error_ns > largest_error_ns ? 0 : static_cast<std::uint64_t>(found);
    }

    reading last_;
    reading earlier_;
    std::uint64_t measured_before_ = 0;  // fixed point; 0: never
    std::uint64_t ns_per_tick_ = 0;      // that of now_ns()
    std::uint64_t good_for_ = 0;         // ticks; 0 where the rate is not known
};

}  // namespace numasio::platform
