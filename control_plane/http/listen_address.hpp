// Where the server may listen, and what a person reads where it cannot.
#pragma once

#include <numasio/plan.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>

#include <string>

namespace numasio::detail {

/// Fails: std::invalid_argument unless the address is numeric and the loopback's; the text names the key.
boost::asio::ip::tcp::endpoint loopback_endpoint(const listener_plan& listener);

/// The error with address, port, key and remedy in its text.
boost::system::system_error cannot_listen(const listener_plan& listener, const boost::system::error_code& why);

}  // namespace numasio::detail
