// The way to the workers by lanes: for connections that live on the control plane.
#pragma once

#include "server/server_state.hpp"
#include "server/shard_calls.hpp"

namespace kv {

/// Threads: the control plane's one thread. It fills all lanes, and each lane keeps its order: what it hands over in one
/// go happens at one moment for everybody.
/// Lifetime: the port and the state outlive it.
class lane_calls final : public shard_calls {
public:
    lane_calls(kv_port& port, server_state& state) noexcept : port_(port), state_(state) {}

    std::uint32_t workers() const noexcept override { return port_.workers(); }
    std::uint32_t home_of(std::string_view key) const noexcept override { return port_.home_of(key).worker; }
    bool claims() const noexcept override { return false; }
    bool serve_here(const kv_request&, kv_reply&) override { return false; }
    call_place try_reserve(std::uint32_t worker) noexcept override { return call_place(port_.try_reserve(port_.at(worker))); }
    void call(call_place place, const kv_request& request, reply_address to) override {
        state_.may_expire = state_.may_expire || leaves_something_to_sweep(request);
        port_.async_call(std::move(place).on_lane(), request, std::move(to));
    }

    void send_off() override {}  // every call is already

private:
    kv_port& port_;
    server_state& state_;
};

}  // namespace kv
