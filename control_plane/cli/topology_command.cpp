// numasioctl topology: the machine as a picture, as JSON, or as hwloc XML to take along.
#include <control_plane/cli/commands.hpp>

#include <control_plane/cli/device_document.hpp>
#include <control_plane/cli/machine_source.hpp>
#include <control_plane/cli/topology_picture.hpp>
#include <control_plane/metrics/topology_document.hpp>

#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

namespace numasio::cli {
namespace {

struct topology_options {
    std::string source = "live";
    bool json = false;
    bool xml = false;
};

constexpr const char* topology_footer = R"(Each node with its CPUs, the groups of them that share a last-level cache (L3),
memory, huge pages and devices; then what the firmware says of distances (SLIT:
10 is local) and of latency and bandwidth (HMAT), from the row's node to the
column's. What is there in fact, numasioctl latency measures.
)";

void show(const topology_options& asked) {
    if (asked.xml && asked.source.compare(0, 10, "simulated:") == 0) {
        throw failure("--xml writes machines that hwloc knows, and pretend nodes are none of them; where the file would be read, "
                      "--topology simulated:N does the same");
    }
    if (asked.xml) {
        std::cout << topology_xml(asked.source);
        return;
    }
    const auto machine = machine_from(asked.source);
    const auto devices = machine.nodes_are_real() ? discover_devices() : std::vector<device_info>();
    if (asked.json) {
        auto document = detail::topology_document(machine);
        document["devices"] = nullptr;
        if (machine.nodes_are_real()) { document["devices"] = device_documents(devices, machine); }
        std::cout << boost::json::serialize(document) << '\n';
    } else {
        std::cout << picture(machine, devices);
    }
}

}  // namespace

void add_topology(CLI::App& program, exit_code& ended) {
    auto* const command = program.add_subcommand("topology", "The machine as a picture: nodes, CPUs, memory, devices");
    const auto asked = std::make_shared<topology_options>();
    add_topology_option(*command, asked->source);
    auto* const json = command->add_flag("--json", asked->json, "One JSON document, devices included");
    command->add_flag("--xml", asked->xml, "hwloc's XML, for --topology on another machine")->excludes(json);
    command->footer(topology_footer);
    command->callback([asked, &ended] {
        show(*asked);
        ended = done;
    });
}

}  // namespace numasio::cli
