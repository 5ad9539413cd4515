// Maps, binds and touches the memory of copies, node by node.
#include <numasio/detail/replica_memory.hpp>

#include <numasio/detail/thread_row.hpp>

#include <boost/system/system_error.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace numasio::detail {
namespace {

node_region memory_of(const topology& machine, node_id node, bytes size, enforcement enforce) {
    const auto home = machine.nearest_memory(node);
    if (machine.origin == topology_origin::live && home) {
        region_options options;
        options.nodes = {*home};
        options.enforce = enforce;
        return node_region(size, options);
    }
    if (enforce == enforcement::strict && machine.origin != topology_origin::simulated) {
        throw boost::system::system_error(errc::not_this_machine, "numasio::replicated: the machine's nodes could not be discovered; strict enforcement");
    }
    node_region region(size);
    if (const auto failed = region.prefault()) { throw boost::system::system_error(failed, "numasio::replicated: memory of " + std::to_string(size.value) + " bytes"); }
    return region;
}

}  // namespace

std::vector<std::unique_ptr<node_replica>> replica_memory(const topology& machine, bytes per_node, enforcement enforce) {
    if (machine.origin == topology_origin::synthetic || machine.origin == topology_origin::xml) {
        throw boost::system::system_error(errc::not_this_machine, "numasio::replicated: the topology is not this machine's");
    }
    std::vector<std::unique_ptr<node_replica>> all;
    for (const node_id node : machine.executor_nodes()) {
        auto memory = memory_of(machine, node, per_node, enforce);
        try {
            all.push_back(std::make_unique<node_replica>(place_of_node(node), std::move(memory)));
        } catch (const std::invalid_argument&) {  // by the heap, which names itself
            throw std::invalid_argument("numasio::replicated: per_node is " + std::to_string(per_node.value) +
                                        " bytes: it holds about 12 KiB of bookkeeping and two copies at least");
        }
    }
    return all;
}

}  // namespace numasio::detail
