// Reads a plan from YAML. Part of numasio::control.
#pragma once

#include <numasio/plan.hpp>
#include <numasio/plan_error.hpp>

#include <string>
#include <string_view>

namespace numasio {

/// Reads and validates the YAML file `path`.
/// Threads: any. Blocks: reads one file of at most 1 MiB. Cost: milliseconds.
/// Fails: throws plan_error with every problem found (also for a file that cannot be read).
plan load_plan(const std::string& path);

/// The same from memory; `name` stands for the file in errors.
plan parse_plan(std::string_view yaml, const std::string& name = "<plan>");

}  // namespace numasio
