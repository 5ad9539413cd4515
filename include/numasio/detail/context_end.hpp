// A bridge learns that its execution context is destroyed before it: nothing may be posted there from then on.
#pragma once

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace numasio::detail {

/// What a context and a bridge share, whichever of them goes first. Threads: any. Blocks: for the other's end, where that is under way.
class context_end {
public:
    explicit context_end(std::function<void()> told) : told_(std::move(told)) {}
    /// By the context, in its destructor and before it destroys what was posted to it.
    void happens() noexcept {
        const std::lock_guard lock(mutex_);
        if (told_) { told_(); }
        told_ = nullptr;
    }
    /// By the bridge, in its destructor: it need not be told.
    void forget() noexcept {
        const std::lock_guard lock(mutex_);
        told_ = nullptr;
    }

private:
    std::mutex mutex_;
    std::function<void()> told_;
};

/// `told`, which must not throw, is called when the context ends. Fails: std::bad_alloc.
std::shared_ptr<context_end> watch_end(boost::asio::execution_context& of, std::function<void()> told);

/// The context of an executor; null where it does not say.
template <class Executor>
boost::asio::execution_context* context_of(const Executor& executor) {
    namespace execution = boost::asio::execution;
    if constexpr (execution::is_executor<Executor>::value) {
        if constexpr (boost::asio::can_query<const Executor&, execution::context_t>::value) {
            using found = typename boost::asio::query_result<const Executor&, execution::context_t>::type;
            if constexpr (std::is_convertible_v<found, boost::asio::execution_context&>) {
                boost::asio::execution_context& context = boost::asio::query(executor, execution::context);
                return &context;
            }
        }
        return nullptr;
    } else {  // a Networking TS executor
        return &static_cast<boost::asio::execution_context&>(executor.context());
    }
}

}  // namespace numasio::detail
