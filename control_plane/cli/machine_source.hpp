// The machine that a subcommand talks about: this one, or the one that --topology names.
#pragma once

#include <numasio/topology.hpp>

#include <CLI/CLI.hpp>

#include <string>

namespace numasio::cli {

/// Adds the option --topology; `source` is "live" without it.
void add_topology_option(CLI::App& command, std::string& source);

/// "live", an hwloc XML file, "synthetic:DESCRIPTION", or "simulated:N" of this machine.
/// Fails: throws boost::system::system_error and cli::failure that name the source and what would be right.
topology machine_from(const std::string& source);

/// "this machine", "2 simulated nodes over live", "the machine of FILE.xml (not this one)".
std::string machine_name(const topology& machine);

}  // namespace numasio::cli
