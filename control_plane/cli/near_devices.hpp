// Which pools would stand nearer to a network card on another node.
#pragma once

#include <numasio/devices.hpp>
#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/topology.hpp>

#include <string>
#include <vector>

namespace numasio::cli {

/// One line for each pool none of whose workers is on a node with a network card, although there are such nodes: "put this
/// pool on node 2: eth1 is there". Only cards whose one node is known count; of these only those with a link, where any has
/// one. Cost: pools × workers × devices. Fails: throws std::bad_alloc only.
std::vector<std::string> nearer_to_cards(const plan& asked, const layout& sites, const topology& machine,
                                         const std::vector<device_info>& devices);

}  // namespace numasio::cli
