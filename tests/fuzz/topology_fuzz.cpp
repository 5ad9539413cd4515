// Any bytes are the XML of a machine whose parts agree with each other, or errc::wrong_topology.
#include <numasio/errc.hpp>
#include <numasio/scoped_pin.hpp>
#include <numasio/topology.hpp>

#include "src/hwloc_source.hpp"
#include "src/topology_reading.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool kept) {
    if (!kept) { std::abort(); }
}

template <class Entry>
bool ascending(const std::vector<Entry>& entries) {
    return std::is_sorted(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

void check(const numasio::topology& machine) {
    require(!machine.nodes.empty() && !machine.cpus.empty());
    require(ascending(machine.nodes) && ascending(machine.cpus));
    std::size_t listed = 0;
    for (const auto& node : machine.nodes) {
        require(machine.find(node.id) != nullptr);
        listed += node.cpus.size();
        for (const auto cpu : node.cpus) { require(machine.find(cpu) != nullptr && machine.find(cpu)->node == node.id); }
        if (const auto nearest = machine.nearest_memory(node.id)) { require(machine.find(*nearest)->memory_allowed); }
    }
    require(listed == machine.cpus.size());
    for (const auto node : machine.executor_nodes()) { require(!numasio::cpus_of_node(machine, node).empty()); }
    for (const auto cpu : machine.offline_cpus) { require(machine.find(cpu) == nullptr); }
    require(!numasio::to_text(machine).empty());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("HWLOC_HIDE_ERRORS", "2", 1);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        check(numasio::detail::read_topology(numasio::detail::load_xml(text).get(), {}));
    } catch (const boost::system::system_error& e) { require(e.code() == numasio::errc::wrong_topology); }
    return 0;
}
