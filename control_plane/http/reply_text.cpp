// Writes a reply with Beast's serializer.
#include <control_plane/http/http_message.hpp>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <sstream>

namespace numasio::detail {

namespace http = boost::beast::http;

std::string to_wire(const http_reply& reply, bool keep_alive) {
    http::response<http::string_body> message{http::int_to_status(reply.status), 11};
    message.set(http::field::content_type,
                boost::beast::string_view(reply.content_type.data(), reply.content_type.size()));
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    if (!reply.allow.empty()) {
        message.set(http::field::allow, boost::beast::string_view(reply.allow.data(), reply.allow.size()));
    }
    message.keep_alive(keep_alive);
    message.content_length(reply.body.size());
    if (!reply.head) { message.body() = reply.body; }
    std::ostringstream out;
    out << message.base();
    return std::move(out).str() + message.body();
}

http_reply refusal(unsigned status, std::string_view why) {
    http_reply reply;
    reply.status = status;
    const auto reason = http::obsolete_reason(http::int_to_status(status));
    reply.body = std::to_string(status) + " " + std::string(reason.data(), reason.size()) + ": " +
                 std::string(why) + "\n";
    return reply;
}

}  // namespace numasio::detail
