// Reads --topology.
#include <control_plane/cli/machine_source.hpp>

#include <control_plane/cli/exit_code.hpp>

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace numasio::cli {
namespace {

constexpr std::string_view simulated = "simulated:";

topology simulate(const std::string& source) {
    const std::string_view number = std::string_view(source).substr(simulated.size());
    std::uint32_t nodes = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), nodes);
    if (error != std::errc{} || end != number.data() + number.size()) {
        throw failure("topology \"" + source + "\": expected simulated:N with a whole number of nodes, as simulated:2");
    }
    try {
        return simulate_nodes(discover_topology(), nodes);
    } catch (const std::invalid_argument& e) {
        throw failure("topology \"" + source + "\": " + e.what());
    }
}

}  // namespace

void add_topology_option(CLI::App& command, std::string& source) {
    command.add_option("-t,--topology", source, "live, FILE.xml, synthetic:DESC or simulated:N")->type_name("MACHINE");
}

topology machine_from(const std::string& source) {
    if (source.compare(0, simulated.size(), simulated) == 0) { return simulate(source); }
    return discover_topology(source);
}

std::string machine_name(const topology& machine) {
    switch (machine.origin) {
        case topology_origin::live: return "this machine";
        case topology_origin::simulated: return machine.source;
        case topology_origin::fallback: return "this machine, of which little is known (" + machine.source + ")";
        case topology_origin::synthetic: return "the machine \"" + machine.source + "\" (not this one)";
        case topology_origin::xml: return "the machine of " + machine.source + " (not this one)";
    }
    return machine.source;
}

}  // namespace numasio::cli
