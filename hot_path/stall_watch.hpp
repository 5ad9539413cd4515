// Has a worker been in one task for too long?
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace numasio::hot_path {

/// Threads: look() by one at a time; the rest any. It sees what lasted from one look to a later one, so never more than there was.
class stall_watch {
public:
    using clock = std::chrono::steady_clock;
    /// As a service's worker: status says `stuck` then.
    static constexpr std::chrono::nanoseconds stuck_after{std::chrono::seconds(1)};

    /// `runs` a task now, and has ended `ran` until now. How long the present one lasts at least, where that is `limit` or more and has not been told.
    std::optional<std::chrono::nanoseconds> look(bool runs, std::uint64_t ran, std::chrono::nanoseconds limit, clock::time_point now) noexcept {
        if (!runs || !ran_a_task_ || ran != ran_) {
            ran_a_task_ = runs;
            ran_ = ran;
            since_ = now;
            told_ = false;
            stuck_.store(false, std::memory_order_relaxed);
            return {};
        }
        const auto lasting = now - since_;
        if (lasting >= stuck_after && !stuck_.exchange(true, std::memory_order_relaxed)) { count_.fetch_add(1, std::memory_order_relaxed); }
        if (told_ || lasting < limit) { return {}; }
        told_ = true;
        return lasting;
    }
    /// It was to be told, and was not.
    void tell_again() noexcept { told_ = false; }

    bool is_stuck() const noexcept { return stuck_.load(std::memory_order_relaxed); }
    std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    bool ran_a_task_ = false;  // at the last look
    std::uint64_t ran_ = 0;
    clock::time_point since_{};
    bool told_ = false;
    std::atomic<bool> stuck_{false};
    std::atomic<std::uint64_t> count_{0};
};

}  // namespace numasio::hot_path
