// YAML text as a small tree with places, built in linear time and bounded space.
#pragma once

#include "control_plane/plan/problem_list.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio::detail {

enum class yaml_kind { null, scalar, list, map };

struct yaml_node {
    yaml_kind kind = yaml_kind::null;
    text_place at;
    bool plain = true;             ///< a scalar without quotes
    std::string text;              ///< a scalar's
    std::vector<yaml_node> items;  ///< a list's; a map's are key, value, key, value, …
};

inline constexpr std::size_t deepest_plan = 64;
inline constexpr std::size_t most_nodes = 100'000;

/// One document without anchors, aliases, tags or merge keys; absent where the text cannot be read as
/// one or is empty. Every reason is in `problems`.
/// Cost: linear in the text: the limits are enforced on yaml-cpp's events, before anything is built.
std::optional<yaml_node> read_yaml(std::string_view text, problem_list& problems);

}  // namespace numasio::detail
