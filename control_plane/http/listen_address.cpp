// Checks the listener's address and words its errors.
#include <control_plane/http/listen_address.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <sstream>
#include <stdexcept>

namespace numasio::detail {
namespace {

std::string key_of(const listener_plan& listener) {
    return "listeners." + (listener.name.empty() ? std::string("http") : listener.name);
}

std::string remedy(const listener_plan& listener, const boost::system::error_code& why) {
    if (why == boost::asio::error::address_in_use) {
        return "see who holds the port with: ss -ltnp 'sport = :" + std::to_string(listener.port) +
               "'; stop it or choose another port (0: any free one)";
    }
    if (why == boost::asio::error::access_denied) { return "choose a port from 1024 on (0: any free one)"; }
    if (why == boost::asio::error::no_descriptors) { return "raise the limit of open files (ulimit -n)"; }
    return "see that this machine has the address: ip address show dev lo";
}

}  // namespace

boost::asio::ip::tcp::endpoint loopback_endpoint(const listener_plan& listener) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(listener.address, ec);
    if (ec) {
        throw std::invalid_argument(key_of(listener) + ": '" + listener.address +
                                    "' is not a numeric address; use 127.0.0.1 or ::1");
    }
    if (!address.is_loopback()) {
        throw std::invalid_argument(key_of(listener) + ": " + listener.address +
                                    " can be reached from other machines and this server asks nobody who they are; use "
                                    "127.0.0.1 or ::1, and from elsewhere an ssh tunnel or a proxy that authenticates");
    }
    return {address, listener.port};
}

boost::system::system_error cannot_listen(const listener_plan& listener, const boost::system::error_code& why) {
    std::ostringstream where;
    where << boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(listener.address), listener.port);
    // Anew, without the place in Asio's sources that the code carries.
    return {boost::system::error_code(why.value(), why.category()),
            key_of(listener) + ": cannot listen on " + where.str() + " (" + remedy(listener, why) + ")"};
}

}  // namespace numasio::detail
