// An executor with outstanding work on its context, and how a function is handed to one.
#pragma once

#include <numasio/detail/function_in_memory.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/allocator.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>

#include <type_traits>
#include <utility>

namespace numasio::detail {

/// An executor together with outstanding work on its context, in one object where the executor can say so
/// (executor_work_guard keeps two copies).
template <class Executor, bool = boost::asio::execution::is_executor<Executor>::value>
class tracked_executor {
public:
    explicit tracked_executor(const Executor& executor)
        : executor_(boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked)) {}
    const auto& get() const noexcept { return executor_; }

private:
    std::decay_t<typename boost::asio::prefer_result<Executor, boost::asio::execution::outstanding_work_t::tracked_t>::type> executor_;
};
template <class Executor>
class tracked_executor<Executor, false> {  // Networking TS executors: on_work_started/on_work_finished
public:
    explicit tracked_executor(const Executor& executor) : guard_(executor) {}
    Executor get() const noexcept { return guard_.get_executor(); }

private:
    boost::asio::executor_work_guard<Executor> guard_;
};

/// As dispatch(), in memory of `allocator`: called here and now where the executor allows it. To a node_pool it is not new work: what ends an operation must not be refused.
/// Fails: what the executor's execute() throws.
template <class Executor, class Allocator, class Function>
void hand_over(const Executor& executor, const Allocator& allocator, Function&& function) {
    namespace execution = boost::asio::execution;
    if constexpr (execution::is_executor<Executor>::value) {
        boost::asio::prefer(executor, execution::allocator(allocator)).execute(std::forward<Function>(function));
    } else {
        boost::asio::dispatch(executor, function_in_memory(allocator, std::forward<Function>(function)));
    }
}
/// As post(): never here and now.
template <class Executor, class Allocator, class Function>
void hand_over_later(const Executor& executor, const Allocator& allocator, Function&& function) {
    namespace execution = boost::asio::execution;
    if constexpr (execution::is_executor<Executor>::value) {
        hand_over(boost::asio::require(executor, execution::blocking.never), allocator, std::forward<Function>(function));
    } else {
        boost::asio::post(executor, function_in_memory(allocator, std::forward<Function>(function)));
    }
}

}  // namespace numasio::detail
