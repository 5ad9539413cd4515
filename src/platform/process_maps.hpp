// A process's mappings as /proc shows them. Private to src/.
#pragma once

#include "src/process_memory.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace numasio::platform {

/// One line of numa_maps; absent where it is none.
std::optional<mapping_memory> parse_numa_maps_line(const std::string& line);

/// Name, user and at most `most` mappings of process `pid` (0: this one). Throws as audit_process() does.
process_memory read_process(int pid, std::size_t most, const std::string& proc = "/proc");

/// Where each mapping that starts at an address ends; empty where that cannot be read.
std::map<std::uint64_t, std::uint64_t> mapping_ends(int pid, const std::string& proc = "/proc");

}  // namespace numasio::platform
