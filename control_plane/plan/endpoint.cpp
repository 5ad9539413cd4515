// ADDRESS:PORT with a numeric address: nothing here asks a name server.
#include "control_plane/plan/scalars.hpp"

#include "control_plane/bridge/numeric_address.hpp"
#include "control_plane/plan/nearest.hpp"

namespace numasio::detail {
namespace {

/// What stands in `text` before its port, and the port's digits.
struct halves {
    std::string host;
    std::string port;
    bool bracketed = false;
};

std::optional<halves> split(const std::string& text, complaint& bad) {
    if (all_digits(text)) {
        bad.what = quoted(text) + " is a port without an address";
        bad.suggestion = did_you_mean(text.size() <= 5 ? "127.0.0.1:" + text : "");
        return std::nullopt;
    }
    const auto colon = text.rfind(':');
    const auto closing = text.rfind(']');
    if (colon == std::string::npos || (closing != std::string::npos && colon < closing)) {
        bad.what = quoted(text) + " has no port";
        return std::nullopt;
    }
    halves out{text.substr(0, colon), text.substr(colon + 1), false};
    if (out.host.size() >= 2 && out.host.front() == '[' && out.host.back() == ']') {
        out.host = out.host.substr(1, out.host.size() - 2);
        out.bracketed = true;
    } else if (out.host.find(':') != std::string::npos) {
        bad.what = quoted(text) + " has an IPv6 address without brackets";
        bad.suggestion = did_you_mean(text.size() <= 64 ? "[" + out.host + "]:" + out.port : "");
        return std::nullopt;
    }
    return out;
}

}  // namespace

std::optional<scanned_endpoint> scan_endpoint(const std::string& text, complaint& bad) {
    const auto parts = split(text, bad);
    if (!parts) { return std::nullopt; }
    const auto port = scan_whole(parts->port, bad);
    if (!port || !plan_limits::port.holds(*port)) {
        bad.what = quoted(text) + " has no port from 0 to 65535";
        return std::nullopt;
    }
    const auto address = numeric_address(parts->host);
    if (!address || address->is_v6() != parts->bracketed) {
        bad.what = quoted(text) + " has no numeric address";
        const auto meant = meant_address(parts->host);
        bad.suggestion = did_you_mean(meant.empty() ? meant : meant + ":" + parts->port);
        return std::nullopt;
    }
    return scanned_endpoint{address->to_string(), static_cast<std::uint16_t>(*port)};
}

}  // namespace numasio::detail
