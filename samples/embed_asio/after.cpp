// Order limits over HTTP: the same service, whose state is on pinned workers.
#include "http/server.hpp"
#include "limits/documents.hpp"
#include "limits/risk_book.hpp"
#include "options.hpp"

#include <numasio/bridge.hpp>
#include <numasio/control_server.hpp>
#include <numasio/load_plan.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using boost::system::error_code;

// --- the state ---------------------------------------------------------------------------------

/// One on each worker, in its node's memory.
struct pinned_book : limits::risk_book {
    explicit pinned_book(numasio::node_context& node) : risk_book(node.memory()) {}
};

class risk_desk {
public:
    explicit risk_desk(numasio::port<limits::order, limits::verdict>& port) : port_(port) {}

    /// Signature: void(error_code, verdict), on the handler's own executor.
    template <class Token>
    auto async_decide(limits::order order, Token&& token) {
        return port_.async_call(port_.home_of(order.symbol.text()), order, std::forward<Token>(token));
    }

private:
    numasio::port<limits::order, limits::verdict>& port_;
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
    numasio::bridge bridge{io, numasio::load_plan(options.plan)};
    risk_desk desk{bridge.open<limits::order, limits::verdict, pinned_book>("limits")};

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

    bridge.start();
    std::cout << numasio::banner(bridge);
    std::cout << "listening on http://" << server.address() << std::endl;
    std::vector<std::jthread> threads;
    while (threads.size() + 1 < options.threads) { threads.emplace_back([&] { io.run(); }); }
    io.run();  // until the last connection has its replies
    threads.clear();
    std::cout << "stopped: every request that had arrived was answered" << std::endl;
    return bridge.stop(std::chrono::seconds(5)).drained() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char** argv) {
    try {
        const auto options = limits::read_options(argc, argv, EMBED_PLAN);
        if (!options.help) { return serve(options); }
        std::cout << limits::usage(options);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::cerr << "limits: " << e.what() << std::endl;
        return 2;
    }
}
