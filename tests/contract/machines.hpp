// The machines that every promise about topologies is held on, and what is known of each.
#pragma once

#include <numasio/topology.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace numasio::test {

/// Lists as to_list() writes them.
struct shape {
    std::string name;
    std::string source;  ///< a file of tests/src/machines without its folder, or "synthetic:…"
    std::size_t nodes;
    std::size_t cpus;
    std::size_t packages;
    std::string executor_nodes;
    std::string allowed;
    struct {
        std::uint32_t cpu;
        std::string core;      ///< CPUs of the same core, allowed ones
        std::string l3_group;  ///< CPUs that share its last cache, allowed ones
        std::uint32_t node;
        std::uint32_t memory;  ///< the node with memory that is nearest to its node
    } one;                     ///< what is known of one CPU
    std::optional<node_distance> distance;  ///< one of them; absent where the machine has none
    std::string offline{};
};

const std::vector<shape>& shapes();
std::string source_of(const shape& machine);
inline topology discover(const shape& machine) { return discover_topology(source_of(machine)); }

inline void PrintTo(const shape& machine, std::ostream* out) { *out << machine.name; }

class any_machine : public ::testing::TestWithParam<shape> {
protected:
    const topology machine_ = discover(GetParam());
};

}  // namespace numasio::test
