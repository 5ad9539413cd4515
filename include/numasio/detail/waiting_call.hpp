// A call that waits for a place of a full lane (when_full: wait), with its request and its handler.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/completion.hpp>
#include <numasio/detail/request_terms.hpp>

#include <boost/asio/associator.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <utility>

namespace numasio::detail {

template <class Lane>
class waiting_call;

/// Where a call is that its caller may want to cancel. Under the lane's lock.
template <class Lane>
struct call_whereabouts {
    enum { waiting, entered, ended } now = waiting;
    typename std::list<waiting_call<Lane>*>::iterator in_line;  // waiting
    detail::ticket ticket{};                                    // entered
};

/// Ends in one of enter(), fail(), destroy(), which free it, enter() when it has ended.
template <class Lane>
class waiting_call {
public:
    using request_type = typename Lane::request_type;

    waiting_call(request_type&& asked, const asio::any_io_executor& home, std::int64_t now_ns, request_terms with)
        : bridge_work(home), request(std::move(asked)), asked_ns(now_ns), terms(with) {}
    waiting_call(const waiting_call&) = delete;
    waiting_call& operator=(const waiting_call&) = delete;

    /// In a place that was reserved; returns its ticket. Fails: what moving the request throws; nothing has happened then.
    virtual ticket enter(Lane& lane, const asio::any_io_executor& home) = 0;
    /// Posts the handler with `ec`; where there is no memory to do so, destroys it.
    virtual void fail(error_code ec) noexcept = 0;
    virtual void destroy() noexcept = 0;

    std::shared_ptr<call_whereabouts<Lane>> whereabouts;  // also its cancellation's, which may come after its end
    /// On the bridge's executor, until the lane holds it: what will give the call a place may not be known there as work.
    std::optional<tracked_executor<asio::any_io_executor>> bridge_work;

protected:
    ~waiting_call() = default;

    request_type request;
    const std::int64_t asked_ns;
    const request_terms terms;
};

/// What stands in the cell for the handler of a call that has got its place: entering moves nothing of the caller's but the request.
template <class Call>
class entered_handler {
public:
    explicit entered_handler(Call* owned) noexcept : owned_(owned) {}
    template <class Response>
    void operator()(error_code ec, Response&& response) {
        auto handler = owned_.release()->take_handler();
        std::move(handler)(ec, std::forward<Response>(response));
    }
    const auto& get() const noexcept { return owned_->handler; }
    void give_up() noexcept { static_cast<void>(owned_.release()); }

private:
    struct end {
        void operator()(Call* of) const noexcept { of->destroy(); }
    };
    std::unique_ptr<Call, end> owned_;
};

/// The call together with its handler, in memory of the handler's associated allocator. Holds tracked work on the handler's executor.
template <class Lane, class Handler>
class waiting_call_of final : public waiting_call<Lane> {
    using base = waiting_call<Lane>;
    using executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using allocator = typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<waiting_call_of>;
    using memory = std::allocator_traits<allocator>;

public:
    template <class H>
    static waiting_call_of* make(typename base::request_type&& asked, H&& reply_to, const asio::any_io_executor& home, std::int64_t now_ns,
                                 request_terms with) {
        allocator from(asio::get_associated_allocator(reply_to));
        auto* place = memory::allocate(from, 1);
        try {
            return ::new (static_cast<void*>(place)) waiting_call_of(std::move(asked), std::forward<H>(reply_to), home, now_ns, with);
        } catch (...) {
            memory::deallocate(from, place, 1);
            throw;
        }
    }

    ticket enter(Lane& lane, const asio::any_io_executor& home) override {
        entered_handler<waiting_call_of> self(this);
        try {
            return lane.submit(std::move(this->request), std::move(self), home, this->asked_ns, this->terms, [](auto) {});
        } catch (...) {
            self.give_up();
            throw;
        }
    }
    void fail(error_code ec) noexcept override try {
        const auto bridge = *this->bridge_work;  // both until it is posted
        [[maybe_unused]] const auto own = handlers_work_;
        post_failure<Handler, typename Lane::response_type>(take_handler(), ec, bridge.get());
    } catch (...) {
    }
    void destroy() noexcept override try {
        static_cast<void>(take_handler());  // the handler may own the memory
    } catch (...) {
    }
    /// Its memory is free before the handler runs.
    Handler take_handler() {
        struct freed {  // also where the move throws
            waiting_call_of* self;
            allocator from;
            ~freed() {
                self->~waiting_call_of();
                memory::deallocate(from, self, 1);
            }
        } after{this, allocator(asio::get_associated_allocator(handler))};
        return std::move(handler);
    }

    Handler handler;

private:
    template <class H>
    waiting_call_of(typename base::request_type&& asked, H&& reply_to, const asio::any_io_executor& home, std::int64_t now_ns, request_terms with)
        : base(std::move(asked), home, now_ns, with), handler(std::forward<H>(reply_to)),
          handlers_work_(asio::get_associated_executor(handler, home)) {}
    ~waiting_call_of() = default;

    tracked_executor<executor> handlers_work_;
};

}  // namespace numasio::detail

template <template <class, class> class Associator, class Call, class Default>
struct boost::asio::associator<Associator, numasio::detail::entered_handler<Call>, Default>
    : Associator<decltype(Call::handler), Default> {
    using handler = decltype(Call::handler);
    static auto get(const numasio::detail::entered_handler<Call>& from) noexcept -> typename Associator<handler, Default>::type {
        return Associator<handler, Default>::get(from.get());
    }
    static auto get(const numasio::detail::entered_handler<Call>& from, const Default& fallback) noexcept
        -> decltype(Associator<handler, Default>::get(from.get(), fallback)) {
        return Associator<handler, Default>::get(from.get(), fallback);
    }
};
