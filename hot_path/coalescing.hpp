// Between two sweeps of a dense stream: a short wait, so that producers and worker do not fight for each cell.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace numasio::hot_path {

/// A worker that follows its producers closely looks at the cells that they are about to write: both wait for each cache line, and a sweep serves a
/// request or three. Where requests have come that close together for some sweeps, more of them are let come first. The wait ends by the clock. Where it brings
/// nothing it is left out for longer and longer: who waits for replies sends no more meanwhile.
/// Threads: the worker's.
class coalescing {
public:
    static constexpr std::int64_t longest_wait_ns = 2'000;
    static constexpr std::int64_t dense_ns = 100;             // between two requests, on average
    static constexpr std::uint32_t sweeps_of_a_stream = 8;    // that were dense, one after the other
    static constexpr std::uint32_t shortest_rest = 4, longest_rest = 1'024;  // sweeps

    /// Does the end of a sweep that served one request matter? Where not, it need not be timed.
    bool is_on() const noexcept { return dense_ >= sweeps_of_a_stream; }

    /// After a sweep that served `served` requests and ended at `now_ns`: until when to wait before the next; 0: not at all. `left_some`: more
    /// than it was allowed to take were there.
    std::int64_t wait_until(std::size_t served, bool left_some, std::int64_t now_ns) noexcept {
        const bool is_dense = now_ns - last_ns_ <= static_cast<std::int64_t>(served) * dense_ns;
        last_ns_ = now_ns;
        if (waited_) {
            if (!is_dense) { left_out_ = rest_; }
            rest_ = is_dense ? shortest_rest : std::min(2 * rest_, longest_rest);
        }
        dense_ = is_dense ? dense_ + (is_on() ? 0 : 1) : 0;
        waited_ = is_on() && !left_some && left_out_ == 0;
        if (left_out_ != 0) { --left_out_; }
        return waited_ ? now_ns + longest_wait_ns : 0;
    }
    /// There was nothing to serve: what comes next is not of the same stream.
    void interrupt() noexcept {
        dense_ = 0;
        waited_ = false;
    }

private:
    std::int64_t last_ns_ = 0;    // end of the last sweep that was timed
    std::uint32_t dense_ = 0;     // sweeps in a row
    std::uint32_t rest_ = shortest_rest;
    std::uint32_t left_out_ = 0;  // sweeps until it is tried again
    bool waited_ = false;         // before the last sweep
};

}  // namespace numasio::hot_path
