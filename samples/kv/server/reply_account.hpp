// What the replies of one connection take until they are sent, counted on the server's meter.
#pragma once

#include "resp/input_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace kv {

/// Memory that a reply will take, known before it is made.
struct reply_size {
    std::size_t text = 0;  ///< bytes
    std::size_t held = 0;  ///< large values, sent from their worker's memory
};

inline constexpr std::string_view reply_too_large = "-OOM reply too large, ask for less at once\r\n";
inline constexpr std::string_view reply_memory_in_use = "-OOM reply memory is in use, try again\r\n";

/// The first `allowance` bytes of each connection are always to be had, however full the meter is: nobody who
/// does not read keeps others from their ordinary replies. The cap on connections bounds all allowances together.
/// Threads: the control plane's only. Lifetime: the meter outlives it.
class reply_account {
public:
    reply_account(resp::memory_meter& meter, std::size_t allowance) noexcept : meter_(meter), allowance_(allowance) {}
    reply_account(const reply_account&) = delete;
    reply_account& operator=(const reply_account&) = delete;
    ~reply_account() { set(0); }

    std::size_t used() const noexcept { return used_; }
    /// Bytes that may be added.
    std::size_t room() const noexcept {
        return std::max(allowance_ - std::min(allowance_, used_), meter_.left());
    }
    /// May this reply be made? `first`: nothing is before it to be sent. Then a reply within the allowance always may,
    /// whatever waits behind it: it can be that of a command that has changed something.
    bool fits(std::size_t bytes, bool first) const noexcept {
        return bytes <= room() || (first && bytes <= allowance_);
    }
    /// Beyond the allowance, and nothing is left for all.
    bool full() const noexcept { return used_ > allowance_ && meter_.left() == 0; }

    /// It holds this many bytes now. Set and not added up, so that no path through a session can leak a charge.
    void set(std::size_t used) noexcept {
        meter_.used = meter_.used - used_ + used;
        used_ = used;
    }

private:
    resp::memory_meter& meter_;
    std::size_t allowance_;
    std::size_t used_ = 0;
};

}  // namespace kv
