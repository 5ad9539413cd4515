// Many replies to one request: a port whose service answers with a stream, and the stream as its reader has it.
#pragma once

#include <numasio/detail/adapted_handler.hpp>
#include <numasio/detail/service_factory.hpp>
#include <numasio/detail/stream_desk.hpp>
#include <numasio/detail/stream_lanes.hpp>
#include <numasio/detail/stream_reader.hpp>
#include <numasio/port.hpp>

#include <boost/asio/async_result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace numasio {

/// The response type of a port that answers a request with any number of `Item`s, in their order.
template <class Item>
struct stream_of {};

/// The items that a worker makes for one request, as their reader takes them. Move-only; empty by default and once moved from.
/// Thread safety: distinct objects safe, shared objects unsafe: one thread at a time, and not beside the bridge's destructor.
/// Lifetime: destroying it, on any thread, ends the stream: a wait for an item ends with operation_aborted, unread items go, and the worker
/// destroys the generator as soon as it comes to it, however full the lanes are. One that outlives its bridge answers errc::stopped; the
/// bridge's executor must still be there.
template <class Item>
class reply_stream {
public:
    using item_type = Item;
    using executor_type = boost::asio::any_io_executor;

    reply_stream() noexcept = default;
    reply_stream(reply_stream&&) noexcept = default;
    reply_stream& operator=(reply_stream&& other) noexcept {
        reply_stream taken(std::move(other));
        std::swap(state_, taken.state_);
        return *this;
    }
    ~reply_stream() {
        if (state_) { state_->close(); }
    }

    /// Not empty.
    explicit operator bool() const noexcept { return state_ != nullptr; }
    /// The bridge's executor, of a stream that is not empty.
    executor_type get_executor() const noexcept { return state_->executor(); }

    /// Waits for the next item. Signature: void(error_code, std::optional<Item>). No item and no error: there are no more, which every further
    /// call answers again, so that a coroutine reads `while (auto item = co_await stream.async_next(use_awaitable))`.
    /// Threads: one at a time; one that runs the bridge's context alone keeps its places on the lane from start to end. Blocks: never, but for
    /// a few steps of a drain, and as port::async_call.
    /// Fails: throws std::logic_error where the stream is empty. By the handler: errc::service_failed, when all items made before have been
    ///        read: the generator threw, or its destructor follows; stopped; lane_full, no_lane, forked where none is on its way and the
    ///        calling thread cannot ask for one: nothing is lost, call again. asio::error::already_started while another wait lasts.
    /// Cost: a step on the lane, as async_call, for each item; one post where the item was there already. No allocation of its own, for handlers of up to about
    ///        100 bytes; two short locks, which the worker never takes.
    /// Lifetime: the handler runs exactly once, as that of async_call; moving it must not call the stream.
    /// Cancellation: any type ends the wait alone, with operation_aborted; the item that it was for goes to the next one.
    template <class CompletionToken>
    auto async_next(CompletionToken&& token) {
        if (!state_) { throw std::logic_error("numasio::reply_stream::async_next: an empty stream"); }
        return boost::asio::async_initiate<CompletionToken, void(error_code, std::optional<Item>)>(waiting{state_}, token);
    }

private:
    template <class, class>
    friend class port;
    using state_type = detail::stream_reader<Item>;

    struct waiting {
        using executor_type = reply_stream::executor_type;
        executor_type get_executor() const noexcept { return state->executor(); }
        template <class Handler>
        void operator()(Handler&& handler) const {
            state->next(std::decay_t<Handler>(std::forward<Handler>(handler)));
        }
        std::shared_ptr<state_type> state;
    };

    explicit reply_stream(std::shared_ptr<state_type> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<state_type> state_;
};

/// The port of a pool that was opened with `bridge.open<Request, stream_of<Item>, Service>(...)`. Its service answers `Request&&` with a
/// generator: any movable object with `std::optional<Item> next()`. It lives where the service lives, and before it goes; what it needs of the
/// node's memory it takes from node_context::memory() as the service does. Request and Item are movable, Item without throwing.
/// Thread safety and lifetime: as every port.
template <class Request, class Item>
class port<Request, stream_of<Item>> : private port<detail::stream_step<Request>, detail::stream_reply<Item>> {
    using carrier = port<detail::stream_step<Request>, detail::stream_reply<Item>>;

public:
    using request_type = Request;
    using response_type = stream_of<Item>;
    using typename carrier::executor_type;

    using carrier::carrier;
    using carrier::any_of;
    using carrier::at;
    using carrier::get_executor;
    using carrier::home_of;
    using carrier::workers;

    /// Hands `request` to worker `to`, whose service makes a generator of it. Signature: void(error_code, reply_stream<Item>), when the
    /// generator has been asked for the first item. `credit` is how many items may be on their way or unread at one time.
    /// Threads: any. Blocks: as async_call.
    /// Fails: throws std::invalid_argument where `credit` is 0. By the handler, with an empty stream: as async_call; errc::credit_too_large where no lane
    ///        of the plan has so many places; errc::lane_full at once where the calling thread's lane has fewer than `credit` places left, or as many streams are open at the worker as its lane has places (each
    ///        holds one of the lane that all threads share, so that it can always be closed); service_failed also where making the first item
    ///        threw, or the generator did not fit into the node's memory. What moving the request throws leaves the call.
    /// Cost: two allocations here, of room for `credit` items; one on the worker, of the node's memory; as a request on the lane for each
    ///        item, for the end, and one to close it.
    /// Lifetime: as async_call. Cancellation: the same; the stream itself is ended by destroying it.
    template <class CompletionToken>
    auto async_stream(home to, Request request, std::uint32_t credit, CompletionToken&& token) {
        if (credit == 0) { throw std::invalid_argument("numasio::port::async_stream: credit is 0; at least one item must be allowed on its way"); }
        return boost::asio::async_initiate<CompletionToken, void(error_code, reply_stream<Item>)>(opening{this->core_}, token, to, std::move(request),
                                                                                                  credit);
    }

private:
    struct opening {
        using executor_type = typename carrier::executor_type;
        executor_type get_executor() const noexcept { return core->executor(); }

        template <class Handler>
        void operator()(Handler&& handler, home to, Request&& request, std::uint32_t credit) const {
            using handler_type = std::decay_t<Handler>;
            errc why_not{};
            const auto* lane = carrier::lane_to(*core, to, {}, why_not);
            if (lane != nullptr && credit > lane->capacity()) { why_not = core->refuse(errc::credit_too_large); }  // before room is made for so many
            if (why_not != errc{}) {
                return detail::post_failure<handler_type, reply_stream<Item>>(std::forward<Handler>(handler), why_not, core->executor());
            }
            const auto lanes = std::make_shared<detail::stream_lanes<Request, Item>>(core, to, credit);
            reply_stream<Item> stream(lanes);  // gives back what was reserved, however this ends
            if (const auto why = lanes->reserve()) {
                return detail::post_failure<handler_type, reply_stream<Item>>(std::forward<Handler>(handler), why, core->executor());
            }
            lanes->open(std::move(request), detail::adapted_handler{handler_type(std::forward<Handler>(handler)), opened{std::move(stream)}});
        }
        std::shared_ptr<detail::pool_core> core;
    };
    struct opened {
        reply_stream<Item> stream;
        template <class Handler>
        void operator()(Handler&& handler, error_code ec, const std::optional<Item>&) {
            std::move(handler)(ec, ec ? reply_stream<Item>() : std::move(stream));
        }
    };
};

namespace detail {

template <class Request, class Item, class Service>
struct carried<Request, stream_of<Item>, Service> {
    using request = stream_step<Request>;
    using response = stream_reply<Item>;
    using service = stream_desk<Request, Item, Service>;
};

}  // namespace detail
}  // namespace numasio
