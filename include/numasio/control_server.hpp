// The control plane's HTTP face: /metrics, /healthz, /readyz, /status. Part of numasio::control.
#pragma once

#include <numasio/bridge.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>

namespace numasio {

/// Serves the bridge's state over HTTP on the executor it is given; reads only.
///   GET /metrics   Prometheus text          GET /healthz   200 while no worker is stuck or dead
///   GET /status    JSON                     GET /readyz    200 between start() and announce_drain() or stop()
/// Threads: distinct objects safe, shared objects unsafe. Blocks: never, but for the constructor's bind.
/// Lifetime: `bridge` outlives it; destroying it closes the listener and its connections.
class control_server {
public:
    /// Binds at once, so that a port in use is found before a worker is pinned.
    /// Fails: throws boost::system::system_error naming the address; a non-loopback address is refused
    /// (std::invalid_argument): there is no authentication yet.
    control_server(boost::asio::any_io_executor executor, bridge& served, const listener_plan& listener);
    ~control_server();
    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

    std::uint16_t port() const noexcept;
    /// Stops listening and closes connections; the port is free afterwards. Idempotent.
    void stop();

private:
    class impl;
    std::shared_ptr<impl> impl_;
};

/// The text that /metrics serves, and the JSON that /status serves.
/// Threads: any. Blocks: once a second, to sample 256 pages of each worker's memory. Cost: about a millisecond.
std::string metrics_text(const bridge& served);
std::string status_json(const bridge& served);

/// A person's summary for the start of a program: machine, split, placements. Threads: any. Blocks: as metrics_text().
std::string banner(const bridge& served);

}  // namespace numasio
