// The control plane's threads that pinned themselves: where they are, for as long as they live.
#pragma once

#include "src/thread_keeper.hpp"

#include <numasio/detail/platform.hpp>
#include <numasio/layout.hpp>
#include <numasio/placement.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace numasio::detail {

/// Threads: any. A thread is forgotten as it ends, before its number can be another's.
class control_threads : public std::enable_shared_from_this<control_threads> {
public:
    control_threads(std::vector<cpu_id> cpus, std::vector<std::vector<cpu_id>> refuges)
        : cpus_(std::move(cpus)), refuges_(std::move(refuges)), generation_(fork_generation()) {}

    /// Pins the caller and reads the mask back. Fails: throws system_error where `strict`; else the placement says it.
    void pin_caller(bool strict);
    /// Looks whether they still are where they were put, and puts them right; tells what changed, until `tell` once returned from it.
    void look(const std::function<void(const placement&)>& tell);
    std::vector<placement> placements() const;
    void forget(std::thread::id thread) noexcept;

private:
    struct entry {
        std::thread::id thread;
        placement got;
        thread_keeper keeper;
        bool told = true;
    };
    const std::vector<cpu_id> cpus_;
    const std::vector<std::vector<cpu_id>> refuges_;
    const std::uint32_t generation_;  // of forks
    mutable std::mutex mutex_;
    std::vector<entry> entries_;
    std::size_t named_ = 0;  // threads that were given a name so far
};

}  // namespace numasio::detail
