// The placements of one worker: written while it starts and by whoever watches it later, read by anybody.
#pragma once

#include <numasio/placement.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace numasio::detail {

/// Threads: any. Blocks: for the time of a copy; no hot path comes here.
class placement_book {
public:
    void add(placement p) {
        const std::lock_guard lock(mutex_);
        placements_.push_back(std::move(p));
    }
    /// In the place of the one with the same subject.
    void replace(placement p) {
        const std::lock_guard lock(mutex_);
        for (auto& old : placements_) {
            if (old.subject == p.subject) {
                old = std::move(p);
                return;
            }
        }
        placements_.push_back(std::move(p));
    }
    std::vector<placement> all() const {
        const std::lock_guard lock(mutex_);
        return placements_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<placement> placements_;  // in the order in which they were added
};

}  // namespace numasio::detail
