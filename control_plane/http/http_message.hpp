// One HTTP request and its reply as plain values, between the wire and the routes.
#pragma once

#include <string>
#include <string_view>

namespace numasio::detail {

struct http_request {
    std::string method;      ///< as sent: "GET"
    std::string host;        ///< the Host field, or the authority of an absolute target; may be empty in HTTP/1.0
    std::string path;        ///< of the target, without the query
    bool keep_alive = false;
};

struct http_reply {
    unsigned status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string body;
    std::string_view allow;  ///< for 405
    bool head = false;       ///< answer to HEAD: the body's length, without the body
};

/// The reply as it goes over the wire. `keep_alive` false says "Connection: close".
std::string to_wire(const http_reply& reply, bool keep_alive);

/// A short reply in words: "STATUS REASON: why".
http_reply refusal(unsigned status, std::string_view why);

}  // namespace numasio::detail
