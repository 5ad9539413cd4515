// The commands of one connection that have no reply on the wire yet, in the order in which they came.
#pragma once

#include "server/fan_out.hpp"
#include "server/key_locks.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kv {

/// One command between its arrival and its reply.
struct pending_command {
    reply_form form = reply_form::done;
    std::uint32_t waiting_for = 0;     ///< workers that have not answered; 0: ready to be sent
    std::string text;                  ///< a reply that needs no worker, or replaces what workers say
    std::size_t counted = 0;           ///< bytes of `text` that the session's account knows of
    std::string section;               ///< INFO
    kv_reply reply;
    std::unique_ptr<fan_out> many;
    std::shared_ptr<const void> bytes; ///< keeps the arguments where the workers look at them
    resp::metered charge;              ///< for `many`
    std::unique_ptr<key_claim> claim;  ///< on its keys, until its last step is handed over
};

/// A ring that grows to the connection's bound and is then used again and again without allocating.
class reply_queue {
public:
    bool empty() const noexcept { return first_ == end_; }
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - first_); }
    std::uint64_t first() const noexcept { return first_; }

    /// Returns the new command's number. Numbers stay valid; references until the next push.
    std::uint64_t push(pending_command added) {
        if (size() == ring_.size()) { grow(); }
        at(end_) = std::move(added);
        return end_++;
    }
    pending_command& operator[](std::uint64_t number) noexcept { return at(number); }
    void pop() {
        at(first_) = {};
        ++first_;
    }

private:
    pending_command& at(std::uint64_t number) noexcept { return ring_[number & (ring_.size() - 1)]; }
    void grow() {
        std::vector<pending_command> larger(ring_.empty() ? 8 : ring_.size() * 2);
        for (auto n = first_; n != end_; ++n) { larger[n & (larger.size() - 1)] = std::move(at(n)); }
        ring_ = std::move(larger);
    }

    std::vector<pending_command> ring_;  // its size is a power of two
    std::uint64_t first_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace kv
