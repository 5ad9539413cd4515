// One thread that looks four times a second whether every worker is still where it was put, and more often for stalls where somebody wants to be told soon.
#pragma once

#include <numasio/ids.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace numasio::detail {

/// A thread of its own, because the io_context belongs to somebody else: it may be busy, not run yet, or wait for the last
/// work to end (docs/decisions/0007). It sleeps between looks; a pool's new limit for stalls ends its sleep (src/stall_news.hpp). Threads: made and destroyed by one.
class placement_watch {
public:
    /// Returns how soon it is to be called again, if that is before a period is over; soon after its argument is no longer 0.
    using look = std::function<std::chrono::nanoseconds(const std::atomic<std::uint32_t>& ends)>;

    /// Faults are to be seen within a second.
    static constexpr std::chrono::milliseconds period{250};

    /// `cpus`: where the thread is to run, away from the workers'; where the kernel refuses, anywhere. Fails: throws boost::system::system_error (errc::thread_refused).
    placement_watch(std::vector<cpu_id> cpus, look look_at);
    /// Blocks: until a look under way gives up (some milliseconds).
    ~placement_watch();
    placement_watch(const placement_watch&) = delete;
    placement_watch& operator=(const placement_watch&) = delete;

private:
    void run() noexcept;

    const std::vector<cpu_id> cpus_;
    const look look_;
    std::atomic<std::uint32_t> ended_{0};
    const std::uint32_t generation_;  // of forks: a child has no such thread
    std::thread thread_;
};

}  // namespace numasio::detail
