// Counters and histograms with one writer: a plain load and store for it, a snapshot for everybody else.
#pragma once

#include <numasio/status.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace numasio::detail {

/// Threads: add() by one thread at a time (handed over with synchronisation), get() by any.
class single_writer_counter {
public:
    [[gnu::always_inline]] void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// The recording side of latency_histogram.
class single_writer_histogram {
public:
    void record(std::int64_t ns) noexcept {
        const auto value = ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
        counts_[latency_histogram::index(value)].add();
        total_ns_.add(value);
    }
    latency_histogram snapshot() const noexcept {
        latency_histogram taken;
        for (std::size_t i = 0; i < taken.counts.size(); ++i) { taken.counts[i] = counts_[i].get(); }
        taken.total_ns = total_ns_.get();
        return taken;
    }

private:
    std::array<single_writer_counter, latency_histogram::bucket_count> counts_;
    single_writer_counter total_ns_;
};

}  // namespace numasio::detail
