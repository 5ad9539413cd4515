// Which Host a request may name: only this machine's loopback, so that a rebound DNS name reads nothing.
#pragma once

#include <string_view>

namespace numasio::detail {

/// True for "localhost", "127.0.0.1", "[::1]" and other loopback addresses, each with or without a port.
/// Empty is true: only HTTP/1.0 may leave it out, and browsers never do.
bool host_allowed(std::string_view host);

}  // namespace numasio::detail
