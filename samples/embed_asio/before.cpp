// Order limits over HTTP: an ordinary Asio service, whose state is behind a strand.
#include "http/server.hpp"
#include "limits/documents.hpp"
#include "limits/risk_book.hpp"
#include "options.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using boost::system::error_code;

// --- the state ---------------------------------------------------------------------------------

class risk_desk {
public:
    explicit risk_desk(asio::io_context& io) : strand_(asio::make_strand(io)) {}

    /// Signature: void(error_code, verdict), on the handler's own executor.
    template <class Token>
    auto async_decide(limits::order order, Token&& token) {
        return asio::async_initiate<Token, void(error_code, limits::verdict)>(
            [this](auto handler, limits::order asked) {
                asio::post(strand_, [this, asked, handler = std::move(handler)]() mutable {
                    const auto executor = asio::get_associated_executor(handler, strand_.get_inner_executor());
                    asio::post(executor, asio::append(std::move(handler), error_code{}, book_(asked)));
                });
            },
            token, order);
    }

private:
    asio::strand<asio::io_context::executor_type> strand_;
    limits::risk_book book_{*std::pmr::get_default_resource()};
};

// --- the handlers ------------------------------------------------------------------------------

/// POST /orders, as a coroutine.
asio::awaitable<web::response> place_order(risk_desk& desk, const web::request& request) {
    std::string wrong;
    const auto order = limits::read_order(request.body(), wrong);
    if (!order) { co_return web::refusal(request, web::status::bad_request, wrong); }
    const auto [error, verdict] = co_await desk.async_decide(*order, asio::as_tuple(asio::use_awaitable));
    if (error) { co_return web::unavailable(request, error); }
    co_return limits::reply(request, *order, verdict);
}

/// GET /positions/SYMBOL, with a plain callback.
void show_position(risk_desk& desk, const web::request& request, const web::respond& respond) {
    const auto symbol = limits::symbol_name::from(web::rest_of(request, "/positions/"));
    if (!symbol) { return respond(web::refusal(request, web::status::bad_request, "that is no symbol")); }
    const limits::order question{.symbol = *symbol};
    desk.async_decide(question, [&request, question, respond](error_code error, limits::verdict verdict) {
        respond(error ? web::unavailable(request, error) : limits::reply(request, question, verdict));
    });
}

void show_health(const web::request& request, const web::respond& respond) {
    respond(web::reply(request, web::status::ok, R"({"status":"ok"})"));
}

// --- the program -------------------------------------------------------------------------------

int serve(const limits::options& options) {
    asio::io_context io{static_cast<int>(options.threads)};
    risk_desk desk{io};

    web::routes routes;
    routes.add(web::verb::post, "/orders", [&](const auto& request) { return place_order(desk, request); });
    routes.add(web::verb::get, "/positions/", [&](const auto& request, auto done) { show_position(desk, request, done); });
    routes.add(web::verb::get, "/healthz", show_health);
    web::server server{io, options.port, routes};

    asio::signal_set signals{io, SIGINT, SIGTERM};
    signals.async_wait([&](error_code, int) {
        signals.clear();  // a second Ctrl-C ends the process
        server.stop();
    });

    std::cout << "listening on http://" << server.address() << std::endl;
    std::vector<std::jthread> threads;
    while (threads.size() + 1 < options.threads) { threads.emplace_back([&] { io.run(); }); }
    io.run();  // until the last connection has its replies
    threads.clear();
    std::cout << "stopped: every request that had arrived was answered" << std::endl;
    return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
    try {
        const auto options = limits::read_options(argc, argv);
        if (!options.help) { return serve(options); }
        std::cout << limits::usage(options);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::cerr << "limits: " << e.what() << std::endl;
        return 2;
    }
}
