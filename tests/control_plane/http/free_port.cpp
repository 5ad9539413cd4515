// Lets the system choose a port and gives it back.
#include "free_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace numasio::test {

std::uint16_t free_port() {
    boost::asio::io_context io;
    using boost::asio::ip::tcp;
    const tcp::acceptor probe(io, {boost::asio::ip::address_v4::loopback(), 0});
    return probe.local_endpoint().port();
}

}  // namespace numasio::test
