// Connections on the control plane, as `front: lanes` of the plan has it.
#pragma once

#include "server/connection_home.hpp"
#include "server/front.hpp"
#include "server/lane_calls.hpp"

#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace kv {

/// Lifetime: the context and the port outlive it.
class lane_front final : public connection_home {
public:
    lane_front(asio::any_io_executor control, kv_port& port, const server_state& begin)
        : state_(begin), calls_(port, state_), front_(std::move(control), calls_, state_, all_of(port.workers())) {
        front_.start();
    }

    void take(asio::ip::tcp::socket socket, std::uint64_t id) override { front_.add(std::move(socket), id); }
    void finish(std::function<void()> drained) override { front_.finish(std::move(drained)); }
    std::size_t abort() override { return front_.abort(); }
    void stop(std::chrono::nanoseconds) override {}

private:
    static std::vector<std::uint32_t> all_of(std::uint32_t workers) {
        std::vector<std::uint32_t> out(workers);
        std::iota(out.begin(), out.end(), 0);
        return out;
    }

    server_state state_;
    lane_calls calls_;
    front front_;
};

}  // namespace kv
