// The subcommands: each adds itself to the program and, if chosen, writes to standard output and says how it ended.
#pragma once

#include <control_plane/cli/exit_code.hpp>

#include <CLI/CLI.hpp>

namespace numasio::cli {

/// Each sets `ended` when it was chosen and has run. Fails: throws cli::failure, plan_error, boost::system::system_error.
void add_topology(CLI::App& program, exit_code& ended);
void add_devices(CLI::App& program, exit_code& ended);
void add_audit(CLI::App& program, exit_code& ended);
void add_probe(CLI::App& program, exit_code& ended);
void add_latency(CLI::App& program, exit_code& ended);
void add_plan(CLI::App& program, exit_code& ended);

}  // namespace numasio::cli
