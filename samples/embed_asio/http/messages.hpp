// Requests, and the replies that every handler makes of the same parts.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>

#include <string>
#include <string_view>

namespace web {

using request = boost::beast::http::request<boost::beast::http::string_body>;
using response = boost::beast::http::response<boost::beast::http::string_body>;
using boost::beast::http::status;
using boost::beast::http::verb;

/// What of the target follows `path`, with which it begins.
std::string_view rest_of(const request& asked, std::string_view path);

/// `json` is one document; a line break is put behind it.
response reply(const request& to, status code, std::string json);
/// {"error": why}
response refusal(const request& to, status code, std::string_view why);
/// 503 with Retry-After: the request was not served, and the next one may be.
response unavailable(const request& to, const boost::system::error_code& why);

}  // namespace web
