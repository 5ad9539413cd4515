// How a connection reaches the workers that own the keys, wherever the connection itself lives.
#pragma once

#include "shard/messages.hpp"

#include <numasio/port.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace kv {

using kv_port = numasio::port<kv_request, kv_reply>;
using call_place = kv_port::reservation;

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

/// Threads: one. A call never completes inside call().
class shard_calls {
public:
    virtual ~shard_calls() = default;

    virtual std::uint32_t workers() const noexcept = 0;
    virtual std::uint32_t home_of(std::string_view key) const noexcept = 0;

    /// A place for one call to `worker`: whoever has it cannot be refused any more.
    virtual call_place try_reserve(std::uint32_t worker) noexcept = 0;
    virtual void call(call_place place, const kv_request& request, reply_address to) = 0;
};

}  // namespace kv
