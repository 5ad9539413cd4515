// A caller's completion handler, stored in its request's cell and handed to its own executor later.
#pragma once

#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/tracked_executor.hpp>
#include <numasio/errc.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/executor.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace numasio::detail {

namespace asio = boost::asio;

/// The handler of who does not ask how a request ends: nothing is stored for it, timed, or called.
struct no_reply {
    template <class Response>
    void operator()(const error_code&, Response&&) const noexcept {}
};
template <class Handler>
inline constexpr bool asks = !std::is_same_v<std::decay_t<Handler>, no_reply>;

/// Calls `handler(ec, response)`; a late cancellation must not reach it any more.
template <class Handler, class Response>
void invoke_handler(Handler& handler, const error_code& ec, Response& response) {
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) { slot.clear(); }
    std::move(handler)(ec, std::move(response));
}

/// Goes along with a handler to its own context, and counts it where that context destroys it uninvoked.
class end_counted {
public:
    explicit end_counted(const abandoned_counter& abandoned) noexcept : abandoned_(abandoned) {}
    end_counted(end_counted&&) noexcept = default;
    end_counted& operator=(end_counted&&) = delete;
    ~end_counted() {
        if (abandoned_) { abandoned_->fetch_add(1, std::memory_order_relaxed); }
    }
    void invoked() noexcept { abandoned_.reset(); }

private:
    abandoned_counter abandoned_;
};

/// Ends an operation where it began: posts, because a handler must not run inside its initiation.
template <class Handler, class Response>
void post_completion(Handler handler, error_code ec, Response response, const asio::any_io_executor& fallback) {
    auto executor = asio::get_associated_executor(handler, fallback);
    auto allocator = asio::get_associated_allocator(handler);
    hand_over_later(executor, allocator, [h = std::move(handler), ec, r = std::move(response)]() mutable { invoke_handler(h, ec, r); });
}
/// The same of one that never got a cell.
template <class Handler, class Response>
void post_failure(Handler handler, error_code ec, const asio::any_io_executor& fallback) {
    post_completion(std::move(handler), ec, Response{}, fallback);
}

/// Inline storage for one handler of signature void(error_code, Response); larger ones are allocated with the handler's associated
/// allocator. Holds tracked work on the handler's executor where that is not the bridge's, whose work the lane holds.
/// Threads: one at a time, on the control side only: never touched by a worker.
/// `Vacate` is called, without arguments, when nothing of the request's cell is needed any more; it may be used again from then on.
template <class Response, class Vacate>
class completion {
public:
    static constexpr std::size_t inline_bytes = 112;

    completion() noexcept = default;
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;
    ~completion() { destroy(); }

    /// `home` is the executor that deliver() will run on, and the default associated executor.
    template <class Handler>
    void emplace(Handler&& handler, const asio::any_io_executor& home) {
        using decayed = std::decay_t<Handler>;
        if (runs_at(handler, home)) { store<at_home<decayed>>(std::forward<Handler>(handler), home); }
        else { store<elsewhere<decayed>>(std::forward<Handler>(handler), home); }
    }

    explicit operator bool() const noexcept { return actions_ != nullptr; }

    /// Takes the handler and the response out, calls `vacate`, then hands the handler to its executor: inline where that is `home`.
    void deliver(const error_code& ec, Response&& response, const abandoned_counter& abandoned, const Vacate& vacate) {
        std::exchange(actions_, nullptr)->deliver(storage_, ec, std::move(response), abandoned, vacate);
    }

    /// The same with a response of nothing, where the request's cell is not ours yet.
    void fail(const error_code& ec, const abandoned_counter& abandoned) { std::exchange(actions_, nullptr)->fail(storage_, ec, abandoned); }

    /// Destroys the handler uninvoked.
    void destroy() noexcept {
        if (actions_ != nullptr) { std::exchange(actions_, nullptr)->destroy(storage_); }
    }

private:
    struct actions {
        void (*deliver)(void*, const error_code&, Response&&, const abandoned_counter&, const Vacate&);
        void (*fail)(void*, const error_code&, const abandoned_counter&);
        void (*destroy)(void*) noexcept;
    };

    template <class Handler>
    using executor_of = asio::associated_executor_t<Handler, asio::any_io_executor>;

    /// The handler's executor is `home`, which drains run on.
    template <class Handler>
    static bool runs_at(const Handler& handler, const asio::any_io_executor& home) noexcept {
        using executor = executor_of<Handler>;
        decltype(auto) to = asio::get_associated_executor(handler, home);
        if constexpr (std::is_same_v<executor, asio::any_io_executor>) { return std::addressof(to) == std::addressof(home) || to == home; }
        else if constexpr (asio::execution::is_executor<executor>::value) {
            const auto* same = home.target<executor>();
            return same != nullptr && *same == to;
        } else { return false; }
    }

    template <class Handler>
    struct at_home {
        template <class H>
        at_home(H&& h, const asio::any_io_executor&) : handler(std::forward<H>(h)) {}
        void complete(const error_code& ec, Response& response, const abandoned_counter&) { invoke_handler(handler, ec, response); }

        using handler_type = Handler;
        Handler handler;
    };

    template <class Handler>
    struct elsewhere {
        template <class H>
        elsewhere(H&& h, const asio::any_io_executor& home)
            : to(asio::get_associated_executor(h, home)), handler(std::forward<H>(h)) {}
        void complete(const error_code& ec, Response& response, const abandoned_counter& abandoned) {
            const auto memory = asio::get_associated_allocator(handler);
            auto call = [h = std::move(handler), ec, r = std::move(response), end = end_counted(abandoned)]() mutable {
                end.invoked();
                invoke_handler(h, ec, r);
            };
            hand_over(to.get(), memory, std::move(call));
        }

        using handler_type = Handler;
        tracked_executor<executor_of<Handler>> to;  // first: where it throws, the handler has not been moved
        Handler handler;
    };

    /// An operation in the storage, or on the handler's own memory where it does not fit.
    template <class Operation>
    struct stored {
        static constexpr bool fits = sizeof(Operation) <= inline_bytes && alignof(Operation) <= alignof(std::max_align_t);
        using allocator = typename std::allocator_traits<
            asio::associated_allocator_t<typename Operation::handler_type>>::template rebind_alloc<Operation>;
        using memory = std::allocator_traits<allocator>;

        template <class Handler>
        static allocator memory_of(const Handler& h) noexcept { return allocator(asio::get_associated_allocator(h)); }
        static Operation& at(void* storage) noexcept {
            if constexpr (fits) { return *std::launder(static_cast<Operation*>(storage)); }
            else { return **std::launder(static_cast<Operation**>(storage)); }
        }
        static void destroy(void* storage) noexcept {
            Operation& self = at(storage);
            if constexpr (fits) { return self.~Operation(); }
            else {
                try {
                    static_cast<void>(take(storage));  // the memory goes before the handler does, which may own it
                } catch (...) {
                    auto from = memory_of(self.handler);
                    self.~Operation();
                    memory::deallocate(from, &self, 1);
                }
            }
        }
        /// Moves the operation out. Its memory is given back by an allocator taken before: a handler that was moved from
        /// need not have one.
        static Operation take(void* storage) {
            Operation& self = at(storage);
            if constexpr (fits) {
                Operation out(std::move(self));
                self.~Operation();
                return out;
            } else {
                auto from = memory_of(self.handler);
                Operation out(std::move(self));
                self.~Operation();
                memory::deallocate(from, &self, 1);
                return out;
            }
        }
        static void deliver(void* storage, const error_code& ec, Response&& from, const abandoned_counter& abandoned, const Vacate& vacate) {
            Operation self(take(storage));
            Response response(std::move(from));
            vacate();
            self.complete(ec, response, abandoned);
        }
        [[gnu::cold]] static void fail(void* storage, const error_code& ec, const abandoned_counter& abandoned) {
            Operation self(take(storage));
            Response response{};
            self.complete(ec, response, abandoned);
        }
        static constexpr actions table{&stored::deliver, &stored::fail, &stored::destroy};
    };

    template <class Operation, class Handler>
    void store(Handler&& handler, const asio::any_io_executor& home) {
        using where = stored<Operation>;
        if constexpr (where::fits) {
            ::new (static_cast<void*>(storage_)) Operation(std::forward<Handler>(handler), home);
        } else {
            auto from = where::memory_of(handler);
            Operation* made = where::memory::allocate(from, 1);
            try {
                ::new (static_cast<void*>(made)) Operation(std::forward<Handler>(handler), home);
            } catch (...) {
                where::memory::deallocate(from, made, 1);
                throw;
            }
            ::new (static_cast<void*>(storage_)) Operation*(made);
        }
        actions_ = &where::table;
    }

    const actions* actions_ = nullptr;
    alignas(std::max_align_t) std::byte storage_[inline_bytes];
};

}  // namespace numasio::detail
