// How long things waited until they began, with fewer readings of the clock than things.
#pragma once

#include <numasio/detail/counters.hpp>
#include <numasio/detail/platform.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace numasio::detail {

struct steady_source {
    static std::int64_t now_ns() noexcept { return steady_ns(); }
};

/// For things that follow each other, as requests on a worker. A reading of the clock costs more than some of what it times: where one took a
/// quarter of `longest_ns` at most, the next four share a reading, and what the last three of them waited is recorded by the one after. If all were
/// quick they began when the first did, give or take `longest_ns`. If not, nobody knows which was slow: they count as begun when all had
/// ended. So no delay is recorded shorter than it was by more than that.
/// Threads: one at a time.
template <class Source>
class basic_delay_recorder {
public:
    static constexpr std::int64_t longest_ns = 1'000;
    static constexpr std::uint32_t together = 4;

    explicit basic_delay_recorder(single_writer_histogram& into) noexcept : into_(&into) {}
    basic_delay_recorder(const basic_delay_recorder&) = delete;
    basic_delay_recorder& operator=(const basic_delay_recorder&) = delete;
    ~basic_delay_recorder() { end(); }

    /// A thing begins that has waited since then. Returns when, or when one before it began.
    std::int64_t begins(std::int64_t since_ns) noexcept {
        if (left_ != 0) {
            --left_;
            since_[unsettled_++] = since_ns;
            return ns_;
        }
        const auto took = read();
        into_->record(ns_ - since_ns);
        const bool were_quick = took * std::int64_t{together} <= longest_ns * followed_;
        followed_ = were_quick ? together : 1;
        left_ = were_quick ? together - 1 : 0;
        return ns_;
    }
    /// Will the next begins() read the clock?
    bool reads() const noexcept { return left_ == 0; }

    /// The last one has ended. What follows later does not follow it.
    void end() noexcept {
        if (unsettled_ != 0) { read(); }
        ns_ = never;
        followed_ = 1;
        left_ = 0;
    }

private:
    /// Returns the time since the last reading.
    std::int64_t read() noexcept {
        const auto before = std::exchange(ns_, Source::now_ns());
        if (unsettled_ != 0) { settle(ns_ - before <= longest_ns ? before : ns_); }
        return ns_ - before;
    }
    [[gnu::noinline]] void settle(std::int64_t began_ns) noexcept {
        for (std::uint32_t i = 0; i < unsettled_; ++i) { into_->record(began_ns - since_[i]); }
        unsettled_ = 0;
    }

    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min() / 16;  // longer ago than any reading

    single_writer_histogram* into_;
    std::int64_t ns_ = never;      // the last reading
    std::int64_t followed_ = 1;    // things that share it
    std::uint32_t left_ = 0;       // of them, to come
    std::uint32_t unsettled_ = 0;  // of them, not recorded
    std::array<std::int64_t, together - 1> since_{};
};

using delay_recorder = basic_delay_recorder<steady_source>;

}  // namespace numasio::detail
