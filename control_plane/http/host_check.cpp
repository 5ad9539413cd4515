// Takes a Host field apart and looks whether it names the loopback.
#include <control_plane/http/host_check.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <string>

namespace numasio::detail {
namespace {

bool is_port(std::string_view text) {
    return text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_localhost(std::string_view name) {
    constexpr std::string_view localhost = "localhost";
    return std::equal(name.begin(), name.end(), localhost.begin(), localhost.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

bool host_allowed(std::string_view host) {
    if (host.empty()) { return true; }
    boost::system::error_code ec;
    std::string_view rest;
    if (host.front() == '[') {
        const auto end = host.find(']');
        if (end == std::string_view::npos) { return false; }
        rest = host.substr(end + 1);
        const auto address = boost::asio::ip::make_address_v6(std::string(host.substr(1, end - 1)), ec);
        if (ec || !address.is_loopback()) { return false; }
    } else {
        const auto colon = std::min(host.find(':'), host.size());
        rest = host.substr(colon);
        const auto name = host.substr(0, colon);
        const auto address = boost::asio::ip::make_address_v4(std::string(name), ec);
        if (ec ? !is_localhost(name) : !address.is_loopback()) { return false; }
    }
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

}  // namespace numasio::detail
