// numasio-kv: a key-value server that speaks Redis's protocol. The whole assembly is in this file.
#include "options.hpp"
#include "reactor/reactor_front.hpp"
#include "server/lane_front.hpp"
#include "server/server.hpp"
#include "shard/kv_shard.hpp"

#include <numasio/bridge.hpp>
#include <numasio/control_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

tcp::endpoint endpoint_of(const numasio::plan& plan, std::string_view name) {
    const auto* listener = plan.find_listener(name);
    return {asio::ip::make_address(listener->address), listener->port};
}

/// A listener that cannot be opened is the commonest mistake at start: say which, and what helps.
template <class Make>
auto listen(const numasio::plan& plan, std::string_view name, std::string_view option, Make make) {
    try {
        return make();
    } catch (const boost::system::system_error& e) {
        const auto at = endpoint_of(plan, name);
        throw kv::usage_error("cannot listen on " + at.address().to_string() + ":" + std::to_string(at.port()) +
                              " (listener \"" + std::string(name) + "\"): " + e.code().message() +
                              (e.code() == asio::error::address_in_use
                                   ? "; see with \"ss -ltnp\" what uses the port, or choose another with " + std::string(option)
                               : e.code() == asio::error::access_denied
                                   ? "; choose a port from 1024 on with " + std::string(option)
                                   : "; see with \"ip address\" which addresses this machine has"));
    }
}

int serve(const kv::options& options, numasio::plan plan) {
    // The control plane: a plain Asio program, one context, one thread.
    asio::io_context io{1};
    const auto drain = plan.drain;
    const auto kv_at = endpoint_of(plan, "kv");
    const auto http = [&] { return plan.find_listener("http"); };

    // The hot path: workers that own the keys, each pinned and with memory of its node.
    const auto& pool = *plan.find_pool("kv");
    const bool reactors = pool.front == numasio::pool_front::reactor;
    numasio::bridge bridge{io.get_executor(), reactors ? kv::reactor_front::for_bridge(plan) : plan};
    auto& port = bridge.open<kv::kv_request, kv::kv_reply, kv::kv_shard>("kv");

    // Listeners are bound before a worker is pinned, and accept only after every worker is ready.
    auto server = listen(plan, "kv", "--port", [&] { return std::make_unique<kv::server>(io, kv_at); });
    std::unique_ptr<numasio::control_server> control;
    if (http() != nullptr) {
        control = listen(plan, "http", "--http-port", [&] {
            return std::make_unique<numasio::control_server>(io.get_executor(), bridge, *http());
        });
    }
    if (options.check) {
        bridge.check();
        std::cout << numasio::banner(bridge);
        for (const auto& line : kv::listeners_not_served(plan)) { std::cout << "note        " << line << "\n"; }
        std::cout << "the plan is valid on this machine\n";
        return EXIT_SUCCESS;
    }
    const auto tell = [](const std::vector<numasio::placement>& changed) {
        for (const auto& placement : changed) { std::cerr << "placement   " << to_text(placement) << std::endl; }
    };
    bridge.on_placement_change(tell);
    bridge.start();
    bridge.pin_control_thread();

    // Where the clients' connections live: here, or on the workers.
    const auto& begin = server->describe(port.workers(), pool.memory.per_worker.value);
    std::unique_ptr<kv::connection_home> front;
    if (reactors) { front = std::make_unique<kv::reactor_front>(io, bridge, port, pool, begin, tell); }
    else { front = std::make_unique<kv::lane_front>(io.get_executor(), port, begin); }
    server->start(*front);

    std::cout << numasio::banner(bridge) << "listening   " << server->address() << " (RESP2), front: " << to_string(pool.front) << "\n";
    if (control) {
        std::cout << "metrics     http://" << http()->address << ":" << control->port() << "/metrics, /status\n";
    }
    if (!kv_at.address().is_loopback()) {
        std::cout << "note        other machines can reach this address, and there is no password\n";
    }
    for (const auto& line : kv::listeners_not_served(plan)) { std::cout << "note        " << line << "\n"; }
    std::cout << "try         redis-cli -p " << server->address().port() << " set greeting hello\n" << std::flush;

    // The end: stop accepting, let every connection have its replies, then stop the workers.
    int exit_code = EXIT_SUCCESS;
    asio::steady_timer deadline{io};
    asio::signal_set signals{io, SIGINT, SIGTERM};
    const auto stop_workers = [&](std::size_t unanswered, std::chrono::nanoseconds patience) {
        deadline.cancel();
        signals.cancel();
        front->stop(patience);
        const auto report = bridge.stop(patience);
        if (unanswered == 0 && report.drained()) {
            std::cout << "drained: every accepted command was answered\n" << std::flush;
        } else {
            std::cout << "not drained: " << unanswered << " commands unanswered, " << report.stopped
                      << " requests stopped, " << report.stuck << " workers stuck\n" << std::flush;
            exit_code = EXIT_FAILURE;
            // A stuck worker still looks at our buffers: leave without destroying them.
            if (report.stuck != 0) { std::_Exit(exit_code); }
        }
        if (control) { control->stop(); }
    };
    // At the deadline, or at a second signal. What a worker is doing at this moment may still end.
    const auto give_up = [&](boost::system::error_code cancelled) {
        if (!cancelled) { stop_workers(server->abort(), 200ms); }
    };
    signals.async_wait([&](boost::system::error_code ec, int) {
        if (ec) { return; }
        bridge.announce_drain();  // /readyz says so from now on
        std::cout << "stopping: draining for at most "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(drain).count()
                  << " ms; a second signal stops at once\n" << std::flush;
        deadline.expires_after(drain);
        deadline.async_wait(give_up);
        signals.async_wait([&](boost::system::error_code cancelled, int) { give_up(cancelled); });
        server->finish([&] { stop_workers(0, drain); });
    });
    try {
        io.run();  // until the last connection, timer and reply is through
    } catch (const std::exception& e) {
        // Handlers do not throw, unless the heap is used up. Unwinding would leave half a program: end here.
        std::cerr << "numasio-kv: " << e.what() << std::endl;
        std::_Exit(EXIT_FAILURE);
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto options = kv::read_options(argc, argv);
        if (options.help) {
            std::cout << kv::usage;
            return EXIT_SUCCESS;
        }
        if (options.version) {
            std::cout << "numasio-kv " KV_VERSION "\n";
            return EXIT_SUCCESS;
        }
        return serve(options, kv::plan_of(options));
    } catch (const std::exception& e) {  // plan_error, usage_error, a worker that could not start
        std::cerr << "numasio-kv: " << e.what() << "\n";
        return 2;
    }
}
