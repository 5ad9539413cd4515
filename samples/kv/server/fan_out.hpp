// A command that several workers have a part in: deals out the keys, adds up the replies.
#pragma once

#include "server/command.hpp"
#include "server/reply_stream.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace kv {

/// All parts are handed over by one thread in one go, and each lane keeps its order: so between two commands
/// with many keys, all workers agree on which came first.
class fan_out {
public:
    struct part {
        std::uint32_t worker = 0;
        kv_request request;
        void* staged = nullptr;
        bool answered = false;
    };
    using home_of = std::function<std::uint32_t(std::string_view key)>;

    /// What it takes from the heap, for the server's meter.
    static std::size_t cost(const command& what, arguments args) noexcept;

    /// Views into `args`' bytes are kept, `args` itself is not.
    fan_out(const command& what, arguments args, std::uint32_t workers, const home_of& home);
    fan_out(const fan_out&) = delete;
    fan_out& operator=(const fan_out&) = delete;

    std::vector<part>& parts() noexcept { return parts_; }

    /// Worker `parts()[i]` has answered. Where the values so far make a reply beyond `most` bytes of memory, they
    /// are let go of at once, and so is what comes later.
    void absorb(std::size_t i, kv_reply reply, std::size_t most = std::numeric_limits<std::size_t>::max()) noexcept;
    const kv_reply& total() const noexcept { return total_; }
    bool too_large() const noexcept { return too_large_; }
    /// Of append_values().
    const reply_size& size() const noexcept { return size_; }

    /// The values of MGET, in the order of its keys.
    void append_values(reply_stream& out);

    /// An MSET over several workers takes two steps: every worker stages its pairs, and when all could, every
    /// worker commits. True while the first step is under way.
    bool staging() const noexcept { return staging_; }
    /// Turns the parts into commits, or into discards where one worker had no memory.
    void resolve_stage() noexcept;

private:
    void deal(const command& what, std::uint32_t workers, const home_of& home);
    static void let_go(part& of) noexcept;

    std::vector<std::string_view> arguments_;
    std::vector<std::uint32_t> keys_;   ///< argument numbers, worker by worker
    std::vector<std::uint32_t> slots_;  ///< of each key in the order of the command: where it is in keys_
    std::vector<kv_value> values_;      ///< parallel to keys_
    std::vector<part> parts_;
    kv_reply total_;
    reply_size size_{32, 0};  ///< the array's own line, or any reply without values
    bool too_large_ = false;
    bool staging_ = false;
};

/// Memory that append_reply() will take for this reply.
reply_size size_of_reply(const kv_reply& reply, const fan_out* many) noexcept;

/// Turns a finished command's reply into RESP.
/// `many` is null for a command of one worker; else its total is the reply.
void append_reply(reply_form form, kv_reply& reply, fan_out* many, reply_stream& out);

}  // namespace kv
