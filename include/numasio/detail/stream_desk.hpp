// The worker's side of streams: what crosses the lanes, and the generators that are open.
#pragma once

#include <numasio/node_context.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace numasio {

/// What bridge::open() asks of a service that answers with streams.
template <class Service, class Request, class Item>
concept stream_service_for = std::is_constructible_v<Service, node_context&> && std::is_nothrow_move_constructible_v<Item> &&
                             std::is_move_constructible_v<Request> && requires(Service& service, Request&& request) {
                                 requires std::move_constructible<std::decay_t<decltype(service(std::move(request)))>>;
                                 { service(std::move(request)).next() } -> std::same_as<std::optional<Item>>;  // one that returns Item never ends
                             };

namespace detail {

struct stream_next {
    void* stream;
};
struct stream_close {
    void* stream;
    std::uint64_t steps;  // that were sent in all, this one not counted
};
/// Opens a stream and asks for its first item, or asks for the next, or closes it.
template <class Request>
using stream_step = std::variant<Request, stream_next, stream_close>;

template <class Item>
struct stream_reply {
    std::optional<Item> item;
    std::uint64_t number = 0;  // of the item, in the order in which the worker made them
    void* stream = nullptr;    // in the reply to the step that opened it
    bool ended = false;        // there was no further item; steps that come later find neither an item nor the end
};

/// Threads: the worker. A stream stays in its list until its reader has closed it and every step that was sent has come, in whatever
/// order: steps of several lanes overtake one another. Its generator goes as soon as it ends, throws or is closed.
template <class Request, class Item, class Service>
class stream_desk {
    static_assert(stream_service_for<Service, Request, Item>,
                  "a service of streams is built from node_context& and called with Request&&, and returns a movable generator whose "
                  "next() returns std::optional<Item>; Request is movable, and so is Item, without throwing");
    using generator = std::decay_t<std::invoke_result_t<Service&, Request&&>>;

    struct open_stream {
        std::size_t place;  // in streams_
        std::optional<generator> items{};
        std::uint64_t made = 0;   // items
        std::uint64_t steps = 0;  // that have come
        std::uint64_t last = 0;   // steps that come in all; 0: not closed
    };

public:
    explicit stream_desk(node_context& node) : memory_(&node.memory()), service_(node), streams_(&node.memory()) {}
    ~stream_desk() {
        for (auto* s : streams_) { memory_.delete_object(s); }
    }
    stream_desk(const stream_desk&) = delete;
    stream_desk& operator=(const stream_desk&) = delete;

    stream_reply<Item> operator()(stream_step<Request>&& step) {
        if (auto* request = std::get_if<0>(&step)) { return open(std::move(*request)); }
        if (const auto* asks = std::get_if<1>(&step)) { return next(*static_cast<open_stream*>(asks->stream)); }
        close(std::get<2>(step));
        return {};
    }

private:
    stream_reply<Item> open(Request&& request) {
        auto& s = add();
        try {
            s.items.emplace(service_(std::move(request)));
            auto first = next(s);
            first.stream = &s;
            return first;
        } catch (...) {
            remove(s);
            throw;
        }
    }

    stream_reply<Item> next(open_stream& s) {
        ++s.steps;
        stream_reply<Item> reply;
        if (!s.items) {
            leave(s);
            return reply;
        }
        try {
            reply.item = s.items->next();
        } catch (...) {
            s.items.reset();
            throw;
        }
        if (reply.item) { reply.number = s.made++; }
        else {
            reply.ended = true;
            s.items.reset();
        }
        return reply;
    }

    void close(const stream_close& end) noexcept {
        auto& s = *static_cast<open_stream*>(end.stream);
        s.items.reset();
        s.last = end.steps;
        leave(s);
    }
    void leave(open_stream& s) noexcept {
        if (s.steps == s.last) { remove(s); }
    }

    open_stream& add() {
        auto* s = memory_.template new_object<open_stream>(open_stream{streams_.size()});
        try {
            streams_.push_back(s);
        } catch (...) {
            memory_.delete_object(s);
            throw;
        }
        return *s;
    }
    void remove(open_stream& s) noexcept {
        streams_.back()->place = s.place;
        streams_[s.place] = streams_.back();
        streams_.pop_back();
        memory_.delete_object(&s);
    }

    std::pmr::polymorphic_allocator<> memory_;
    Service service_;
    std::pmr::vector<open_stream*> streams_;  // each holds a place of the worker's shared lane to be closed with: at most its capacity
};

}  // namespace detail
}  // namespace numasio
