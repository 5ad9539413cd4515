// The parts of a reply: JSON, no caching.
#include "http/messages.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace web {

namespace http = boost::beast::http;
namespace json = boost::json;

std::string_view rest_of(const request& asked, std::string_view path) {
    const std::string_view target(asked.target().data(), asked.target().size());
    return target.substr(path.size());
}

response reply(const request& to, status code, std::string json) {
    response out{code, to.version()};
    out.set(http::field::content_type, "application/json");
    out.set(http::field::cache_control, "no-store");
    out.body() = std::move(json) + "\n";
    return out;
}

response refusal(const request& to, status code, std::string_view why) {
    return reply(to, code, json::serialize(json::object{{"error", json::string_view(why.data(), why.size())}}));
}

response unavailable(const request& to, const boost::system::error_code& why) {
    auto out = refusal(to, status::service_unavailable, why.message());
    out.set(http::field::retry_after, "1");
    return out;
}

}  // namespace web
