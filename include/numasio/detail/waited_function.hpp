// A function that runs on another thread while its caller waits for it.
#pragma once

#include <numasio/detail/platform.hpp>
#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <utility>

namespace numasio::detail {

/// Where the two meet: on the caller's stack.
class function_end {
public:
    /// `look()` is called now and then meanwhile. Blocks: until the function has ended. Fails: rethrows what it threw; errc::stopped where it was destroyed uncalled.
    template <class Look>
    void wait(Look&& look) {
        while (ended_.load(std::memory_order_acquire) == 0) {  // [wait-2]
            futex_wait_for(ended_, 0, std::chrono::milliseconds(20));
            look();
        }
        if (thrown_) { std::rethrow_exception(std::move(thrown_)); }
        if (!called_) { throw boost::system::system_error(errc::stopped); }
    }

private:
    template <class>
    friend class waited_function;
    std::atomic<std::uint32_t> ended_{0};
    bool called_ = false;
    std::exception_ptr thrown_;
};

/// Movable; however it ends, it says so once.
template <class Function>
class waited_function {
public:
    template <class F>
    waited_function(F&& f, function_end& end) : function_(std::forward<F>(f)), end_(&end) {}
    waited_function(waited_function&& other) noexcept(std::is_nothrow_move_constructible_v<Function>)
        : function_(std::move(other.function_)), end_(std::exchange(other.end_, nullptr)) {}
    waited_function& operator=(waited_function&&) = delete;
    ~waited_function() {
        if (end_ == nullptr) { return; }
        auto& ended = end_->ended_;
        ended.store(1, std::memory_order_release);  // [wait-1] Pairs with [wait-2]: what the function did; who waits goes from here on
        futex_wake_one(ended);
    }
    void operator()() noexcept {
        end_->called_ = true;
        try {
            function_();
        } catch (...) {
            end_->thrown_ = std::current_exception();
        }
    }

private:
    Function function_;
    function_end* end_;
};

}  // namespace numasio::detail
