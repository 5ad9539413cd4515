// A node's pools of huge pages, as sysfs shows them. Private to src/.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/topology.hpp>

#include <string>
#include <vector>

namespace numasio::platform {

/// The pools of `node`, ascending by page size; empty where the kernel has no huge pages or shows no such node.
/// Threads: any. Blocks: reads three small files a page size. Fails: throws std::bad_alloc only; what cannot be read is 0.
std::vector<huge_page_pool> huge_page_pools(node_id node, const std::string& nodes = "/sys/devices/system/node");

}  // namespace numasio::platform
