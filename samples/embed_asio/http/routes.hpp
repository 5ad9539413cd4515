// Which handler answers what. A handler is a coroutine, or a function that is given a callback for its reply.
#pragma once

#include "http/messages.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <variant>
#include <vector>

namespace web {

/// Takes the reply, once; from any thread.
using respond = std::function<void(response)>;
using callback_handler = std::function<void(const request&, respond)>;
using coroutine_handler = std::function<boost::asio::awaitable<response>(const request&)>;

/// Filled before the server starts, read by all threads afterwards.
class routes {
public:
    /// `path` is exact or, where it ends with '/', what the target begins with.
    void add(verb method, std::string path, callback_handler handler);
    void add(verb method, std::string path, coroutine_handler handler);

    /// The reply of the handler; 404 for an unknown path, 405 for another method. `asked` lives until then.
    boost::asio::awaitable<response> answer(const request& asked) const;

private:
    struct entry {
        verb method;
        std::string path;
        std::variant<callback_handler, coroutine_handler> handler;
    };
    std::vector<entry> routes_;
};

}  // namespace web
