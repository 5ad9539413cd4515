// How values of a plan, and what is expected of them, are said to people: for YAML and for code alike.
#pragma once

#include <numasio/plan_limits.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace numasio::detail {

/// A piece of a plan for a message: quoted, cut to 40 bytes, without control characters.
std::string quoted(const std::string& text);

/// Names become thread names, metric labels and parts of key paths.
bool is_plan_name(std::string_view name) noexcept;
inline constexpr std::string_view expected_name =
    "a letter or _, then letters, digits, _ or -, 32 characters at most";

/// "pools.kv"; what is no name stands there in quotes.
std::string plan_key(const std::string& path, const std::string& name);

/// "1.5s", "20us": the largest unit that needs no fraction. "256MiB" alike. Long numbers of a small unit have
/// their rounded value before them: "16.0TiB (17592186044417B)".
std::string duration_text(std::uint64_t nanoseconds);
std::string size_text(std::uint64_t amount);
/// The shortest decimal number that is `fraction`.
std::string fraction_text(double fraction);

/// "a duration from 0s to 10ms, as 20us or 1.5ms": the examples are within the range.
std::string expected_whole(plan_range range);
std::string expected_duration(plan_range range);
std::string expected_size(plan_range range);
inline constexpr std::string_view expected_fraction = "a number above 0 and below 1, as 0.99";
/// What a number of simulated nodes must keep beside its range.
inline constexpr std::string_view one_node_per_cpu = "at most one for each CPU that this process may use";
std::string expected_simulate_nodes();

}  // namespace numasio::detail
