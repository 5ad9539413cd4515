// Uses numasio::core alone: the machine's topology, and a piece of memory that the kernel is asked about.
#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include <iostream>

int main() {
    using namespace numasio::literals;
    const auto machine = numasio::discover_topology();
    std::cout << numasio::to_text(machine);
    numasio::node_region region{1_MiB};
    if (const auto error = region.prefault()) {
        std::cerr << "prefault: " << error.message() << '\n';
        return 1;
    }
    const auto audit = region.audit();
    return !machine.executor_nodes().empty() && audit.asked == region.pages() ? 0 : 1;
}
