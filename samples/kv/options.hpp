// The command line of numasio-kv, and the plan that it results in.
#pragma once

#include <numasio/plan.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct options {
    std::string plan;  ///< file; empty: the built-in kv.yaml
    std::optional<std::uint32_t> simulate_nodes;
    std::optional<std::uint16_t> port, http_port;
    std::optional<numasio::pool_front> front;
    bool check = false;
    bool help = false;
    bool version = false;
};

inline constexpr std::string_view usage =
    "usage: numasio-kv [[--plan] FILE] [--simulate-nodes N] [--port PORT] [--http-port PORT]\n"
    "                  [--front lanes|reactor] [--check]\n"
    "An option's value may also follow a \"=\": --port=7000\n"
    "  --plan FILE          the plan (YAML); without it the built-in kv.yaml\n"
    "  --simulate-nodes N   pretend that the CPUs are N NUMA nodes; 0: the machine's own\n"
    "  --port PORT          where clients connect (listener \"kv\"); 0: any free port\n"
    "  --http-port PORT     where /metrics and /status are (listener \"http\"); 0: any free port\n"
    "  --front WHERE        connections live on the control plane (lanes) or on the workers (reactor)\n"
    "  --check              say what the plan means on this machine, and leave; ports may be in use\n"
    "  --version            say the version, and leave\n"
    "  --help, -h           say this, and leave\n";

/// Fails: throws usage_error naming the option.
options read_options(int argc, char** argv);

/// Fails: throws numasio::plan_error; usage_error where the plan lacks the pool or the listener "kv", or has a pool that
/// nothing here would serve.
numasio::plan plan_of(const options& asked);

/// A line on each listener of the plan that nothing serves: most likely a misspelt name.
std::vector<std::string> listeners_not_served(const numasio::plan& plan);

}  // namespace kv
