// Reads a plan from YAML. Part of numasio::control.
#pragma once

#include <numasio/plan.hpp>
#include <numasio/plan_error.hpp>

#include <string>
#include <string_view>

namespace numasio {

/// Reads and validates the YAML file `path`.
/// The form is closed and stated in docs/plan.md: unknown, repeated and missing keys are problems. So is a file
/// that does not end with a line break: a half-written YAML file parses all too well.
/// Threads: any. Blocks: reads one file of at most 1 MiB. Cost: milliseconds; linear in the file, whatever it holds.
/// Fails: throws plan_error with every problem found (also for a file that cannot be read).
/// Lifetime: the plan is a value.
plan load_plan(const std::string& path);

/// The same from memory, the line break at the end included; `name` stands for the file in errors. Blocks: never.
plan parse_plan(std::string_view yaml, const std::string& name = "<plan>");

}  // namespace numasio
