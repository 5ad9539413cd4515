// The lanes that a stream's steps go by: the calling thread's own, and the one that all share for its last.
#pragma once

#include <numasio/detail/stream_reader.hpp>
#include <numasio/port.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace numasio::detail {

/// A step goes by the lane of the thread that sends it, and a stream may be read by one thread after the other. Its places on a lane are
/// of use to the lane's thread only; those that it holds elsewhere it gives back. Closing it must succeed on any thread, and where
/// its lane is full: for that a place is held on the lane that takes requests of all threads.
template <class Request, class Item>
class stream_lanes final : public stream_reader<Item> {
    using carrier = port<stream_step<Request>, stream_reply<Item>>;
    using lane_type = typename carrier::lane_type;
    using reader = stream_reader<Item>;

public:
    stream_lanes(std::shared_ptr<pool_core> core, home to, std::uint32_t credit) : reader(credit), core_(std::move(core)), to_(to) {}

    const asio::any_io_executor& executor() const noexcept override { return core_->executor(); }

    /// Before anybody else knows the stream: a place for each step that its credit allows, and one to close it with.
    error_code reserve() noexcept {
        error_code why;
        const auto held = hold(this->credit(), why);
        if (held != 0) { worker_ = core_->worker(to_.worker); }
        if (held < this->credit()) { return why; }
        auto& shared = static_cast<lane_type&>(core_->worker(to_.worker)->shared_lane());
        const auto turn = shared.turn();
        shared.counters.offered.add();
        if (!shared.reserve()) {
            shared.counters.rejected.add();
            return errc::lane_full;
        }
        to_close_ = &shared;
        return {};
    }

    /// With places for it. `handler` is called as the reader's are, without an item.
    /// Throws what storing the handler or moving the request throws.
    template <class Handler>
    void open(Request&& request, Handler handler) {
        auto connect = carrier::connected_to(handler);
        this->wait_for(std::move(handler), reader::wait::to_open);
        this->spend(1);
        auto& by = static_cast<lane_type&>(*this->lane_);
        step_end end(self(), by);
        carrier::start(*core_, by, to_, terms(), stream_step<Request>(std::in_place_index<0>, std::move(request)), std::move(end),
                       std::move(connect));
    }

private:
    /// A step's completion handler, on the bridge's executor.
    class step_end {
    public:
        step_end(std::shared_ptr<stream_lanes> to, lane_type& by) noexcept : to_(std::move(to)), by_(&by) {}
        step_end(step_end&&) noexcept = default;
        step_end& operator=(step_end&&) = delete;
        ~step_end() {
            if (to_) { to_->lost(); }
        }
        void operator()(error_code ec, stream_reply<Item> reply) {
            const auto stream = std::exchange(to_, nullptr);
            if (reply.stream != nullptr) { stream->stream_ = reply.stream; }  // the reader is told next
            stream->arrived(ec, std::move(reply), *by_);
        }

    private:
        std::shared_ptr<stream_lanes> to_;
        lane_type* by_;
    };

    std::uint32_t hold(std::uint32_t steps, error_code& why) noexcept override {
        errc closed{};
        const auto row = core_->lanes(closed, false);
        if (this->lane_ != nullptr && (row.empty() || row[to_.worker] != this->lane_)) { give_back(); }
        while (this->held_ < steps) {
            errc none{};
            auto* const lane = carrier::lane_to(*core_, to_, terms(), none);
            const auto refused = lane == nullptr ? std::optional(none) : carrier::reserve(*core_, *lane, to_);
            if (refused) {
                why = *refused;
                break;
            }
            this->lane_ = lane;
            ++this->held_;
        }
        return std::min(this->held_, steps);
    }
    void give_back() noexcept override {
        const auto held = std::exchange(this->held_, 0);
        if (held == 0) { return; }
        const auto alive = worker_.lock();
        for (std::uint32_t i = 0; alive && i < held; ++i) { static_cast<lane_type&>(*this->lane_).drop(*alive, executor()); }
    }
    void hold_again(lane_base& lane) noexcept override {
        // Elsewhere the lane's thread takes it again, if it is still there, when it asks for the next item.
        if (&lane != this->lane_ || lane.producer.load(std::memory_order_relaxed) != this_thread()) { return; }
        lane.counters.offered.add();
        if (static_cast<lane_type&>(lane).reserve()) { ++this->held_; }
        else { lane.counters.rejected.add(); }
    }

    void send(std::uint32_t steps, lane_base& by) noexcept override {
        auto& lane = static_cast<lane_type&>(by);
        for (; steps != 0; --steps) {
            carrier::start(*core_, lane, to_, terms(), stream_step<Request>(stream_next{stream_}), step_end(self(), lane), not_cancelled);
        }
    }
    void send_close() noexcept override {
        const auto alive = worker_.lock();
        if (to_close_ == nullptr || !alive) { return; }
        // Nothing was opened; or the worker has gone, or goes, with all that it has open.
        if (stream_ == nullptr || !core_->is_open()) { return to_close_->drop(*alive, executor()); }
        carrier::start(*core_, *to_close_, to_, terms(), stream_step<Request>(stream_close{stream_, this->sent_}),
                       [](error_code, const stream_reply<Item>&) {}, not_cancelled);
    }
    static constexpr auto not_cancelled = [](const auto&, auto) {};
    /// Who counts the steps must get them all.
    static request_terms terms() noexcept {
        request_terms all;
        all.essential = true;
        return all;
    }

    std::shared_ptr<stream_lanes> self() { return std::static_pointer_cast<stream_lanes>(this->shared_from_this()); }

    const std::shared_ptr<pool_core> core_;
    const home to_;
    std::weak_ptr<worker_core> worker_;  // whose lanes these are
    lane_type* to_close_ = nullptr;
    void* stream_ = nullptr;             // the worker's name for it
};

}  // namespace numasio::detail
