// Who wants to hear of stalls, and which of them is told.
#pragma once

#include "hot_path/stall_watch.hpp"
#include "src/platform/linux_sched.hpp"

#include <numasio/task_observer.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace numasio::hot_path {

/// What on_stall() and look_for_stalls() of a pool do. One stall in a second is told; another that lasts is told when that is over.
/// Threads: any. Lifetime: the pool's.
class stall_teller {
public:
    /// As on_stall(); `of` is for errors.
    void tell(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal, const std::string& of);

    /// One look at all workers of a pool.
    class round {
    public:
        /// `runs` something now, and has ended `ended` things until now. `task` names it. A thread that has ended since then has no stack to show.
        template <class Name>
        void look_at(stall_watch& worker, bool runs, std::uint64_t ended, const worker_site& site, platform::kernel_thread thread, Name task) {
            const auto lasting = worker.look(runs, ended, limit_, now_);
            if (!lasting) { return; }
            if (found_ || !may_tell_) { return worker.tell_again(); }
            found_ = task_stall{site, task(), *lasting, {}};
            add_trace(thread);
        }

    private:
        friend class stall_teller;
        void add_trace(platform::kernel_thread thread);
        std::chrono::steady_clock::time_point now_;
        std::chrono::nanoseconds limit_{};
        bool may_tell_ = false;
        std::optional<int> trace_signal_;
        std::optional<task_stall> found_;
    };
    /// `look_at_all(round)` looks at each worker; then what it found is told. How soon to look again, as look_for_stalls().
    /// Threads: one at a time.
    template <class LookAtAll>
    std::chrono::nanoseconds look(LookAtAll look_at_all) {
        const std::lock_guard telling(telling_);
        round now = begin();
        look_at_all(now);
        return end(now);
    }

private:
    round begin();
    std::chrono::nanoseconds end(const round& looked);

    std::recursive_mutex telling_;  // also while who is told is called, and may call tell()
    std::chrono::nanoseconds limit_{stall_watch::stuck_after};
    std::function<void(const task_stall&)> told_;
    std::optional<int> trace_signal_;
    std::chrono::steady_clock::time_point told_at_{};
};

}  // namespace numasio::hot_path
