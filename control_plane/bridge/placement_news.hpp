// Placements that changed, on their way to whoever asked to be told.
#pragma once

#include <numasio/placement.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace numasio::detail {

/// The latest of each placement, so that a context that does not run for long cannot make it grow. Threads: any.
class placement_news : public std::enable_shared_from_this<placement_news> {
public:
    using handler = std::function<void(const std::vector<placement>&)>;

    explicit placement_news(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// An empty one: nobody is told any more.
    void subscribe(handler told) {
        const std::lock_guard lock(mutex_);
        handler_ = told ? std::make_shared<handler>(std::move(told)) : nullptr;
    }

    /// Cost: at most one post is pending.
    void tell(placement changed) {
        const std::lock_guard lock(mutex_);
        if (!handler_) { return; }
        auto key = std::pair(changed.owner, changed.subject);
        changed_.insert_or_assign(std::move(key), std::move(changed));
        if (posted_) { return; }
        // Posted work may outlive the bridge; then there is nobody to tell. No strand: it would have to end before its context.
        boost::asio::post(executor_, [self = weak_from_this()] {
            if (const auto news = self.lock()) { news->deliver(); }
        });
        posted_ = true;
    }

    /// Nobody is told any more; waits for a call under way, but for one that this thread is in.
    void close() noexcept {
        closed_by_.store(std::this_thread::get_id());
        if (calling_.load() == std::this_thread::get_id()) { return; }
        const std::lock_guard lock(delivery_);
        closed_ = true;
    }

private:
    void deliver() {
        const std::lock_guard one_at_a_time(delivery_);
        std::vector<placement> all;
        std::shared_ptr<handler> told;
        {
            const std::lock_guard lock(mutex_);
            posted_ = false;
            all.reserve(changed_.size());  // or nothing is taken: the next change brings it
            for (auto& [key, p] : changed_) { all.push_back(std::move(p)); }
            changed_.clear();
            told = handler_;
        }
        if (closed_ || closed_by_.load() != std::thread::id() || !told || all.empty()) { return; }
        struct mark {  // also where the handler throws
            std::atomic<std::thread::id>& calling;
            ~mark() { calling.store(std::thread::id()); }
        } marked{calling_};
        calling_.store(std::this_thread::get_id());
        (*told)(all);
    }

    boost::asio::any_io_executor executor_;
    std::mutex mutex_;
    std::shared_ptr<handler> handler_;
    std::map<std::pair<std::string, placement_subject>, placement> changed_;
    bool posted_ = false;

    std::mutex delivery_;  // held while the handler is called: one call at a time, each with what is the latest
    bool closed_ = false;  // guarded by delivery_
    std::atomic<std::thread::id> closed_by_{};
    std::atomic<std::thread::id> calling_{};
};

}  // namespace numasio::detail
