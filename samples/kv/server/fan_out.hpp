// A command that several workers have a part in: deals out the keys, adds up the replies.
#pragma once

#include "server/command.hpp"
#include "server/reply_stream.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace kv {

/// All parts of a step are handed over by one thread in one go, and each lane keeps its order: so between two
/// commands with many keys, all workers agree on which came first. Who writes on several workers takes more than one
/// step: nothing can be seen of the first ones, and the last one, which nothing can refuse, makes all of it visible
/// or takes it back.
///
///   MSET, MSETNX   every worker stages its pairs (MSETNX: if none of its keys is there) ─▶ every worker commits
///   SCAN           one worker after the other shows a page of its keys, until there are enough
///   RENAME         the source shows its value ─▶ the target stages it ─▶ the target commits, the source deletes
///
/// Where commands are handed over on several threads (front: reactor), nothing of the first sentence holds. There the first
/// step claims what the command touches, one worker after the other in ascending order, so that nobody waits in a circle, and
/// a claim ends with the worker's last part: at the moment at which all are held, the command happens.
class fan_out {
public:
    struct part {
        std::uint32_t worker = 0;
        kv_request request = {};
        void* staged = nullptr;
        bool answered = false;
        bool awaited = true;  ///< its reply is
    };
    /// Parts by their numbers.
    struct range {
        std::uint32_t first = 0, last = 0;
    };
    using home_of = std::function<std::uint32_t(std::string_view key)>;

    /// What a step looks at beside the replies to the one before.
    struct moment {
        std::int64_t now = 0;       ///< the expiry clock's
        std::uint64_t flushes = 0;  ///< FLUSHALLs handed over
        std::size_t room = std::numeric_limits<std::size_t>::max();  ///< bytes of heap that there are
    };

    /// A cursor of SCAN is a worker and a point of its table, of which no table needs the lower bits.
    static constexpr int point_bits = 48;
    static constexpr std::uint64_t worker_of(std::uint64_t cursor) noexcept { return cursor >> point_bits; }

    /// What it takes from the heap, for the server's meter; with its place in the lines for its keys.
    static std::size_t cost(const command& what, arguments args, std::uint32_t workers) noexcept;

    /// Views into `args`' bytes are kept, `args` itself is not. `claims`: see above.
    fan_out(const command& what, arguments args, std::uint32_t workers, const home_of& home, const moment& begun, bool claims = false);
    fan_out(const fan_out&) = delete;
    fan_out& operator=(const fan_out&) = delete;

    /// Of the current step.
    std::vector<part>& parts() noexcept { return parts_; }
    /// Of these: what is to be handed over now.
    range to_send() const noexcept {
        if (one_by_one_) { return {at_, at_ + 1}; }
        return {0, static_cast<std::uint32_t>(parts_.size())};
    }
    arguments all_arguments() const noexcept { return arguments_; }
    std::uint8_t distance() const noexcept { return distance_; }  ///< from key to key

    /// Worker `parts()[i]` has answered. Where the values so far make a reply beyond `most` bytes of memory, they
    /// are let go of at once, and so is what comes later.
    void absorb(std::size_t i, kv_reply reply, std::size_t most = std::numeric_limits<std::size_t>::max()) noexcept;
    const kv_reply& total() const noexcept { return total_; }
    bool too_large() const noexcept { return too_large_; }
    /// Of append_values().
    const reply_size& size() const noexcept { return size_; }

    /// The values of MGET, in the order of its keys.
    void append_values(reply_stream& out);
    /// What each worker's front said for INFO, together; and for CLIENT LIST.
    front_figures figures() const noexcept;
    void append_clients(reply_stream& out) const;

    /// The keys of KEYS, and of SCAN with its cursor.
    void append_keys(reply_stream& out);
    void append_scan(reply_stream& out);

    /// True while a step is to come when the current one is answered.
    bool unfinished() const noexcept { return one_by_one_ || next_ != step::none; }
    /// The workers of all that is not to be handed over now: a place on each lane is reserved before the first step.
    std::vector<std::uint32_t> later_workers() const;
    /// The current step is answered: its parts become those of the next one. There may be none, where that has nothing to do.
    void next_step(const moment& current);
    /// False where SCAN looks further.
    bool writes_next() const noexcept { return next_ != step::none && next_ != step::look_on; }
    /// SCAN ends with what it has. False where that is not even a cursor to go on from.
    bool stop_here();
    /// Heap bytes that SCAN's keys take beyond cost().
    std::size_t grown_bytes() const noexcept { return found_.capacity(); }

private:
    enum class step : std::uint8_t {
        none,    ///< the current one is the last
        commit,  ///< what was staged; or take it back
        bring,   ///< RENAME: stage the source's value at the target
        move,    ///< RENAME: commit the target, delete the source
        look_on, ///< SCAN: another page, or the end
        let_go   ///< of what was claimed
    };

    void ask_all(const command& what, arguments args);
    void claim_first(claim_kind kind);
    void let_go_of_claims();
    void deal(const command& what, std::uint32_t workers, const home_of& home);
    void plan_steps(const command& what, const home_of& home);
    void commit();
    void bring();
    void move(const moment& current);
    void begin_scan(const command& what);
    void ask_for_page(std::size_t room);
    void look_on(const moment& current);
    static constexpr std::size_t page_bytes = 4 << 10;
    static void let_go(part& of) noexcept;

    std::vector<std::string_view> arguments_;
    std::vector<std::uint32_t> keys_;   ///< argument numbers, worker by worker
    std::vector<std::uint32_t> slots_;  ///< of each key in the order of the command: where it is in keys_
    std::vector<kv_value> values_;      ///< parallel to keys_
    std::vector<part> parts_;
    kv_reply total_;
    reply_size size_{32, 0};  ///< the array's own line, or any reply without values
    bool too_large_ = false;
    bool one_by_one_ = false;  ///< the parts of this step
    bool claims_ = false;
    std::uint32_t at_ = 0;     ///< one by one: the current one
    bool decided_ = false;  ///< total_ is the reply, whatever the last step's parts say
    step next_ = step::none;
    std::uint8_t distance_ = 1;
    moment begun_;
    part source_, target_;   ///< RENAME
    kv_value moved_;         ///< what the source had
    std::int64_t deadline_ = 0;
    scan_page page_;         ///< SCAN: parts_[0]'s
    std::string found_;      ///< the pages so far
    std::size_t found_bytes_ = 0;
    std::int64_t wanted_ = 0;  ///< keys still to be looked at
    std::uint64_t cursor_ = 0;
    std::uint32_t workers_ = 0;
    struct held_claim {
        std::uint32_t worker, claim;
    };
    std::vector<held_claim> held_;
    std::vector<front_figures> figures_;  ///< INFO, CLIENT LIST: by worker
    std::vector<std::string> texts_;
};

/// Memory that append_reply() will take for this reply.
reply_size size_of_reply(const kv_reply& reply, const fan_out* many) noexcept;

/// Turns a finished command's reply into RESP.
/// `many` is null for a command of one worker; else its total is the reply.
void append_reply(reply_form form, kv_reply& reply, fan_out* many, reply_stream& out);

}  // namespace kv
