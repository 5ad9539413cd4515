// Between two sweeps of a dense stream: a short wait, so that producers and worker do not fight for each cell.
#pragma once

#include <cstddef>
#include <cstdint>

namespace numasio::hot_path {

/// A worker that follows its producers closely looks at the cells that they are about to write: both wait for each cache line, and a sweep serves a
/// request or three. Where requests come that close together, some more are let come first. The wait ends by the clock, and is given up for
/// a while where it brings nothing: who waits for replies sends no more meanwhile.
/// Threads: the worker's.
class coalescing {
public:
    static constexpr std::int64_t longest_wait_ns = 2'000;
    static constexpr std::int64_t dense_ns = 100;  // between two requests, on average
    static constexpr std::uint32_t patience = 4;   // sweeps that come too slowly
    static constexpr std::uint32_t sweeps_of_rest = 64;

    /// `enough`: a sweep that served so many has left some.
    explicit coalescing(std::size_t enough) noexcept : enough_(enough) {}

    /// Does the end of a sweep that served one request matter? Where not, it need not be timed.
    bool is_on() const noexcept { return left_ != 0; }

    /// After a sweep that served `served` requests and ended at `now_ns`: until when to wait before the next; 0: not at all.
    std::int64_t wait_until(std::size_t served, std::int64_t now_ns) noexcept {
        const bool is_dense = now_ns - last_ns_ <= static_cast<std::int64_t>(served) * dense_ns;
        last_ns_ = now_ns;
        if (rests_ != 0) {
            --rests_;
            return 0;
        }
        if (is_dense) {
            left_ = patience;
        } else if (left_ != 0 && --left_ == 0) {
            rests_ = sweeps_of_rest;
        }
        return left_ != 0 && served < enough_ ? now_ns + longest_wait_ns : 0;
    }

private:
    const std::size_t enough_;
    std::int64_t last_ns_ = 0;  // end of the last sweep that was timed
    std::uint32_t left_ = 0;    // of the patience; 0: there is no stream
    std::uint32_t rests_ = 0;   // timed sweeps until it is tried again
};

}  // namespace numasio::hot_path
