// Beast parses; this file sets the limits and turns its result into a plain request or a refusal.
#include <control_plane/http/request_reader.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>

namespace numasio::detail {

namespace http = boost::beast::http;

struct request_reader::parser {
    parser() {
        wire.header_limit(longest_header);
        wire.body_limit(0);
    }
    http::request_parser<http::empty_body> wire;
};

request_reader::request_reader() : parser_(std::make_unique<parser>()) {}
request_reader::~request_reader() = default;

request_reader::outcome request_reader::refuse(unsigned status, std::string_view why) {
    refusal_ = detail::refusal(status, why);
    return outcome::refused;
}

request_reader::outcome request_reader::take(std::string_view arrived, std::size_t& consumed) {
    auto& wire = parser_->wire;
    boost::system::error_code ec;
    consumed = wire.put(boost::asio::buffer(arrived.data(), arrived.size()), ec);
    header_size_ += consumed;
    if (ec == http::error::need_more) {
        const bool too_long = header_size_ + (arrived.size() - consumed) > longest_header;
        return too_long ? refuse(431, "the header is longer than 8 KiB") : outcome::need_more;
    }
    // Beast takes the start line and the fields for themselves, so that the sum is ours to look at.
    if (ec == http::error::header_limit || header_size_ > longest_header) {
        return refuse(431, "the header is longer than 8 KiB");
    }
    if (ec == http::error::body_limit || (!ec && !wire.is_done())) { return refuse(413, "requests have no body here"); }
    if (ec) { return refuse(400, ec.message()); }

    const auto& message = wire.get();
    if (message.count(http::field::host) > 1) { return refuse(400, "more than one Host field"); }
    if (message.version() > 10 && message.count(http::field::host) == 0) { return refuse(400, "no Host field"); }
    const auto host = message[http::field::host];
    const auto method = message.method_string();
    std::string_view target(message.target().data(), message.target().size());
    request_.host.assign(host.data(), host.size());
    request_.method.assign(method.data(), method.size());
    // HTTP/1.0 can keep a connection only by a header of its own; not worth it.
    request_.keep_alive = message.version() > 10 && message.keep_alive();

    // "GET http://host/path": the authority in the target counts, not the Host field (RFC 9112, 3.2.2).
    constexpr std::string_view scheme = "http://";
    if (target.substr(0, scheme.size()) == scheme) {
        target.remove_prefix(scheme.size());
        const auto slash = std::min(target.find_first_of("/?"), target.size());
        request_.host = target.substr(0, slash);
        target.remove_prefix(slash);
        if (request_.host.empty()) { return refuse(400, "the target names no host"); }
    } else if (target.empty() || (target.front() != '/' && target != "*")) {
        return refuse(400, "the target is no path");
    }
    request_.path = target.substr(0, target.find('?'));
    if (request_.path.empty()) { request_.path = "/"; }

    header_size_ = 0;
    parser_ = std::make_unique<parser>();
    return outcome::complete;
}

}  // namespace numasio::detail
