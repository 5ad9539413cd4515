// A listener's address: numeric, so that no name server is ever asked.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>

namespace numasio::detail {

/// The address; absent for a text that is none. No scope identifiers: whether "%eth0" exists is a fact of one
/// machine at one time.
inline std::optional<boost::asio::ip::address> numeric_address(const std::string& text) {
    constexpr std::size_t longest = 45;
    if (text.size() > longest || text.find('%') != std::string::npos) { return std::nullopt; }
    boost::system::error_code no;
    auto address = boost::asio::ip::make_address(text, no);
    return no ? std::nullopt : std::optional(std::move(address));
}

/// "127.0.0.1" for "localhost" and the like; empty where no address can be guessed.
inline std::string meant_address(const std::string& text) {
    if (text == "localhost" || text.empty()) { return "127.0.0.1"; }
    return text == "*" ? "0.0.0.0" : "";
}

}  // namespace numasio::detail
