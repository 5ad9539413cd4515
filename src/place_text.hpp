// How places are said to people. Private to the library.
#pragma once

#include <numasio/topology.hpp>

#include <string>
#include <vector>

namespace numasio {

/// "CPU 3", "CPUs 0-3,8"
inline std::string cpus_text(const std::vector<cpu_id>& cpus) { return (cpus.size() == 1 ? "CPU " : "CPUs ") + to_list(cpus); }
/// "node 1", "nodes 0,2"
inline std::string nodes_text(const std::vector<node_id>& nodes) { return (nodes.size() == 1 ? "node " : "nodes ") + to_list(nodes); }

}  // namespace numasio
