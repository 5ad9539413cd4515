// How a connection reaches the workers that own the keys, wherever the connection itself lives.
#pragma once

#include "shard/messages.hpp"

#include <numasio/port.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace kv {

using kv_port = numasio::port<kv_request, kv_reply>;

/// Who gets the replies to its calls, on its own thread.
class reply_taker {
public:
    virtual void on_reply(std::uint64_t number, std::uint32_t part, numasio::error_code ec, kv_reply reply) = 0;

protected:
    ~reply_taker() = default;
};

/// Where one reply goes. Holds who gets it, and through it the bytes that the request's views point into.
struct reply_address {
    std::shared_ptr<reply_taker> to;
    std::uint64_t number = 0;
    std::uint32_t part = 0;

    void operator()(numasio::error_code ec, kv_reply reply) const { to->on_reply(number, part, ec, std::move(reply)); }
};

/// A place for one call to a worker: whoever has it cannot be refused any more. It goes back unused with its destruction.
class call_place {
public:
    explicit call_place(numasio::error_code why) noexcept : why_(why) {}
    explicit call_place(kv_port::reservation on_lane) noexcept : why_(on_lane.error()), on_lane_(std::move(on_lane)) {}
    /// One of those that `taken` counts.
    call_place(std::uint32_t worker, std::uint32_t& taken) noexcept : worker_(worker), taken_(&++taken) {}
    call_place(call_place&& other) noexcept
        : why_(other.why_), worker_(other.worker_), taken_(std::exchange(other.taken_, nullptr)), on_lane_(std::move(other.on_lane_)) {}
    call_place& operator=(call_place&& other) noexcept {
        call_place moved(std::move(other));
        std::swap(why_, moved.why_);
        std::swap(worker_, moved.worker_);
        std::swap(taken_, moved.taken_);
        std::swap(on_lane_, moved.on_lane_);
        return *this;
    }
    ~call_place() { if (taken_ != nullptr) { --*taken_; } }

    explicit operator bool() const noexcept { return !why_; }
    /// Why there is none: errc::lane_full, stopped, …
    numasio::error_code error() const noexcept { return why_; }

    // For who gave it.
    std::uint32_t worker() const noexcept { return worker_; }
    kv_port::reservation on_lane() && noexcept { return std::move(*on_lane_); }
    /// It is used: whoever gave it counts down when the call has ended.
    void use() noexcept { taken_ = nullptr; }

private:
    numasio::error_code why_;
    std::uint32_t worker_ = 0;
    std::uint32_t* taken_ = nullptr;
    std::optional<kv_port::reservation> on_lane_;
};

/// Threads: one. A call never completes inside call().
class shard_calls {
public:
    virtual ~shard_calls() = default;

    virtual std::uint32_t workers() const noexcept = 0;
    virtual std::uint32_t home_of(std::string_view key) const noexcept = 0;

    /// True where not this thread alone hands over: then commands of several workers claim what they touch (see fan_out).
    virtual bool claims() const noexcept = 0;
    /// Serves the request here and now, if the key is this thread's own and nobody is in its way.
    virtual bool serve_here(const kv_request& request, kv_reply& reply) = 0;

    virtual call_place try_reserve(std::uint32_t worker) noexcept = 0;
    virtual void call(call_place place, const kv_request& request, reply_address to) = 0;
    /// What was called is on its way from here on: before a client can hear of anything that came later.
    virtual void send_off() = 0;
};

}  // namespace kv
