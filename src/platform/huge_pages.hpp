// Huge pages as sysfs shows them: a node's pools, and whether the kernel makes them by itself. Private to src/.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/topology.hpp>

#include <string>
#include <vector>

namespace numasio::platform {

/// The pools of `node`, ascending by page size; empty where the kernel has no huge pages or shows no such node.
/// Threads: any. Blocks: reads three small files a page size. Fails: throws std::bad_alloc only; what cannot be read is 0.
std::vector<huge_page_pool> huge_page_pools(node_id node, const std::string& nodes = "/sys/devices/system/node");

/// Of the pages that the kernel makes by itself; 2 MiB where it does not say.
std::size_t transparent_page_size();

/// True where the machine's setting is "never": then the advice to make huge pages is taken and not followed.
bool transparent_pages_are_off(const std::string& setting = "/sys/kernel/mm/transparent_hugepage/enabled");

}  // namespace numasio::platform
