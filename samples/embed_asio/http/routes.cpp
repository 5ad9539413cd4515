// Looks a request up, and turns a callback's reply into what a coroutine can await.
#include "http/routes.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace web {
namespace {

namespace asio = boost::asio;

bool matches(std::string_view path, std::string_view target) {
    return path.ends_with('/') ? target.starts_with(path) : target == path;
}

asio::awaitable<response> by_callback(const callback_handler& handler, const request& asked) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(response)>(
        [&handler, &asked](auto resume) {
            auto waiting = std::make_shared<decltype(resume)>(std::move(resume));
            handler(asked, [waiting](response made) {
                auto executor = asio::get_associated_executor(*waiting);  // the connection's strand
                asio::post(executor, asio::append(std::move(*waiting), std::move(made)));
            });
        },
        asio::use_awaitable);
}

}  // namespace

void routes::add(verb method, std::string path, callback_handler handler) {
    routes_.push_back({method, std::move(path), std::move(handler)});
}
void routes::add(verb method, std::string path, coroutine_handler handler) {
    routes_.push_back({method, std::move(path), std::move(handler)});
}

asio::awaitable<response> routes::answer(const request& asked) const {
    const std::string_view target(asked.target().data(), asked.target().size());
    std::string allowed;
    for (const auto& route : routes_) {
        if (!matches(route.path, target)) { continue; }
        if (route.method != asked.method()) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(to_string(route.method));
            continue;
        }
        if (const auto* handler = std::get_if<coroutine_handler>(&route.handler)) { co_return co_await (*handler)(asked); }
        co_return co_await by_callback(std::get<callback_handler>(route.handler), asked);
    }
    if (allowed.empty()) { co_return refusal(asked, status::not_found, "no such path"); }
    auto out = refusal(asked, status::method_not_allowed, "no such method here");
    out.set(boost::beast::http::field::allow, allowed);
    co_return out;
}

}  // namespace web
