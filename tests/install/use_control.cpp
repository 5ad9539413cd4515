// Uses numasio::control: a plan from YAML, and the metrics of a bridge that was built from it.
#include <numasio/bridge.hpp>
#include <numasio/control_server.hpp>
#include <numasio/load_plan.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main() {
    try {
        numasio::parse_plan("pols: {}", "typo.yaml");
        return 1;
    } catch (const numasio::plan_error& error) {
        std::cout << error.what() << '\n';
    }
    boost::asio::io_context io;
    const auto plan = numasio::parse_plan("version: 1\npools:\n  kv:\n    memory:\n      per_worker: 1MiB\n", "inline.yaml");
    numasio::bridge bridge{io.get_executor(), plan};
    const auto metrics = numasio::metrics_text(bridge);
    std::cout << metrics;
    return metrics.find("# TYPE numasio_") != std::string::npos ? 0 : 1;
}
