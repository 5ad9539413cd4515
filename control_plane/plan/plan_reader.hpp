// Walks the YAML tree along the table of keys and fills the plan.
#pragma once

#include "control_plane/plan/problem_list.hpp"
#include "control_plane/plan/schema.hpp"
#include "control_plane/plan/yaml_tree.hpp"

namespace numasio::detail {

/// The plan that `root` says; what it says wrongly is in `problems`, and then the plan is of no use.
plan read_plan(const yaml_node& root, problem_list& problems);

}  // namespace numasio::detail
