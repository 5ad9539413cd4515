// Uses numasio::control: a plan from YAML, and a control server that serves the bridge's metrics and status.
#include <numasio/bridge.hpp>
#include <numasio/control_server.hpp>
#include <numasio/load_plan.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>

struct echo {
    explicit echo(numasio::node_context&) {}
    int operator()(int x) const noexcept { return x; }
};

int main(int argc, char** argv) {
    constexpr auto built_in = "version: 1\n"
                              "listeners: { http: 127.0.0.1:0 }\n"
                              "pools: { echo: { memory: 1MiB, workers_per_node: 1 } }\n";
    try {
        const auto plan = argc > 1 ? numasio::load_plan(argv[1]) : numasio::parse_plan(built_in, "built in");
        const auto* http = plan.find_listener("http");
        if (http == nullptr) { throw std::runtime_error("the plan has no listener \"http\""); }
        boost::asio::io_context io;
        numasio::bridge bridge{io, plan};
        auto& port = bridge.open<int, int, echo>("echo");
        numasio::control_server control{io.get_executor(), bridge, *http};  // before start():
        bridge.start();                                                     // a port in use is found at once
        std::cout << numasio::banner(bridge) << "http://127.0.0.1:" << control.port() << "/metrics and /status\n";

        int answer = 0;
        port.async_call(port.at(0), 42, [&](numasio::error_code, int echoed) {
            answer = echoed;
            control.stop();  // a service would go on: io.run() serves until then
        });
        io.run();
        const bool drained = bridge.stop(std::chrono::seconds(1)).drained();
        const bool counted = numasio::metrics_text(bridge).find("numasio_requests_ran_total") != std::string::npos;
        return answer == 42 && drained && counted ? 0 : 1;
    } catch (const std::exception& error) {  // plan_error: file, line, column, key, remedy
        std::cerr << error.what() << '\n';
        return 2;
    }
}
