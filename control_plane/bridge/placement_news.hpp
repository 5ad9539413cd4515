// Placements that changed, on their way to whoever asked to be told.
#pragma once

#include <numasio/placement.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace numasio::detail {

/// The latest of each placement, so that a context that does not run for long cannot make it grow. Threads: any.
class placement_news : public std::enable_shared_from_this<placement_news> {
public:
    using handler = std::function<void(const std::vector<placement>&)>;

    explicit placement_news(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void subscribe(handler told) {
        const std::lock_guard lock(mutex_);
        handler_ = std::make_shared<handler>(std::move(told));
    }

    /// Cost: at most one post is pending.
    void tell(placement changed) {
        const std::lock_guard lock(mutex_);
        if (!handler_) { return; }
        const bool pending = !changed_.empty();
        auto key = std::pair(changed.owner, changed.subject);
        changed_.insert_or_assign(std::move(key), std::move(changed));
        if (pending) { return; }
        // Posted work may outlive the bridge; then there is nobody to tell.
        boost::asio::post(executor_, [self = weak_from_this()] {
            if (const auto news = self.lock()) { news->deliver(); }
        });
    }

private:
    void deliver() {
        std::vector<placement> all;
        std::shared_ptr<handler> told;
        {
            const std::lock_guard lock(mutex_);
            for (auto& [key, p] : changed_) { all.push_back(std::move(p)); }
            changed_.clear();
            told = handler_;
        }
        if (told && !all.empty()) { (*told)(all); }
    }

    boost::asio::any_io_executor executor_;
    std::mutex mutex_;
    std::shared_ptr<handler> handler_;
    std::map<std::pair<std::string, placement_subject>, placement> changed_;
};

}  // namespace numasio::detail
