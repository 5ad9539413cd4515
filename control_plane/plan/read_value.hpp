// One value of a plan: from YAML to a number, a duration, a size, a list, an address.
#pragma once

#include "control_plane/plan/schema.hpp"
#include "control_plane/plan/yaml_tree.hpp"

#include <optional>

namespace numasio::detail {

/// The value of `node` as `rule` wants it. Absent with `bad` set where it is something else or out of
/// range; `at` then is where: the node, or the faulty element of a list.
std::optional<plan_value> read_value(const key_rule& rule, const yaml_node& node, complaint& bad, text_place& at);

/// "is a list", "has no value", …: a node that is not what was expected.
std::string described(const yaml_node& node);

}  // namespace numasio::detail
