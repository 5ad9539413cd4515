// setsockopt and getsockopt at the level of sockets.
#include "src/platform/socket_options.hpp"

#include "src/platform/errno_code.hpp"

#include <sys/socket.h>

namespace numasio::platform {
namespace {

error_code set(int socket, int option, int value) noexcept {
    return ::setsockopt(socket, SOL_SOCKET, option, &value, sizeof value) == 0 ? error_code() : last_error();
}

}  // namespace

error_code share_port(int socket) noexcept { return set(socket, SO_REUSEPORT, 1); }

error_code prefer_cpu(int socket, cpu_id cpu) noexcept { return set(socket, SO_INCOMING_CPU, static_cast<int>(cpu.value)); }

std::optional<cpu_id> preferred_cpu(int socket) noexcept {
    int value = -1;
    ::socklen_t size = sizeof value;
    if (::getsockopt(socket, SOL_SOCKET, SO_INCOMING_CPU, &value, &size) != 0 || value < 0) { return std::nullopt; }
    return cpu_id{static_cast<std::uint32_t>(value)};
}

}  // namespace numasio::platform
