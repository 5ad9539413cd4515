// What Asio has no names for: listeners that share a port, and the CPU whose packets one of them is for.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>

#include <optional>

namespace numasio::platform {

/// SO_REUSEPORT: several listeners on one port, among which the kernel deals the connections.
error_code share_port(int socket) noexcept;
/// SO_INCOMING_CPU of a listener: connections whose packets that CPU handles are for it. Linux 6.2 and later heed it where a port is shared; older ones
/// take it and deal by a hash.
error_code prefer_cpu(int socket, cpu_id cpu) noexcept;
/// Read back; absent where it was never set, or the kernel does not say.
std::optional<cpu_id> preferred_cpu(int socket) noexcept;

}  // namespace numasio::platform
