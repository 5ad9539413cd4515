// Milliseconds for deadlines: counted by the steady clock, so that setting the clock revives no key.
#pragma once

#include <chrono>
#include <cstdint>

namespace kv {

/// Deadlines are points on a line that starts at the Unix time of the server's start and then follows the
/// steady clock. A deadline that a client gives as Unix time (SET EXAT) is converted once, when it arrives.
class expiry_clock {
public:
    std::int64_t now() const noexcept { return at(std::chrono::steady_clock::now()); }
    std::int64_t at(std::chrono::steady_clock::time_point moment) const noexcept { return unix_at_start_ + (millis(moment) - steady_at_start_); }
    std::int64_t from_unix(std::int64_t deadline) const noexcept {
        const std::int64_t shift = now() - unix_now();
        std::int64_t out = 0;
        if (__builtin_add_overflow(deadline, shift, &out)) { return deadline; }
        return out > 0 ? out : 1;  // 0 says "no deadline" in a request
    }
    static std::int64_t unix_now() noexcept { return millis(std::chrono::system_clock::now()); }

private:
    template <class Point>
    static std::int64_t millis(Point at) noexcept {
        return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
    }

    std::int64_t unix_at_start_ = unix_now();
    std::int64_t steady_at_start_ = millis(std::chrono::steady_clock::now());
};

}  // namespace kv
