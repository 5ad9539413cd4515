// Which requests to shed where a worker does not keep up: controlled delay (CoDel, RFC 8289) as servers of requests use it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace numasio::detail {

/// A burst is no overload: while a queue runs empty now and then, the shortest delay within an interval is short. Where even that was above
/// the target, the queue stands, and for the next interval requests that waited for more than twice the target are shed, so that the others
/// are in time (as B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015, has it).
/// Threads: the one that serves. Cost: two comparisons.
class controlled_delay {
public:
    controlled_delay(std::chrono::nanoseconds target, std::chrono::nanoseconds interval) noexcept
        : target_ns_(target.count()), interval_ns_(interval.count()) {}

    /// A request is to be served at `now_ns` that has waited for `delay_ns`: is it to be shed instead?
    bool sheds(std::int64_t delay_ns, std::int64_t now_ns) noexcept {
        if (now_ns < interval_ends_ns_) {
            shortest_ns_ = std::min(shortest_ns_, delay_ns);
        } else {
            const bool just_ended = now_ns < interval_ends_ns_ + interval_ns_;  // after a pause the queue does not stand any more
            overloaded_ = just_ended && shortest_ns_ > target_ns_;
            shortest_ns_ = delay_ns;
            interval_ends_ns_ = now_ns + interval_ns_;
        }
        return overloaded_ && delay_ns > 2 * target_ns_;
    }

private:
    const std::int64_t target_ns_;
    const std::int64_t interval_ns_;
    std::int64_t interval_ends_ns_ = 0;
    std::int64_t shortest_ns_ = 0;  // since the interval began
    bool overloaded_ = false;
};

}  // namespace numasio::detail
