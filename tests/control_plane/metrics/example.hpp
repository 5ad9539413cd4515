// Example snapshots for the tests: a machine with two nodes, one with a single node, a simulated one.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <string>

namespace numasio::test {

/// Owns the values that a snapshot refers to.
struct example {
    topology machine;
    plan asked;
    layout sites;
    bridge_status now;

    detail::snapshot view() const { return {machine, asked, sites, now}; }
};

/// Two nodes, pool "kv" with a worker on each; kv/0 is all right, kv/1 lost its memory binding and has
/// measured no locality.
example two_nodes();
/// One node, one worker, everything honoured.
example one_node();
/// Two pretend nodes. Its status even claims a page locality, which nobody may show.
example simulated();
/// A pool of `workers` on `nodes` nodes, all placements honoured.
example large(std::uint32_t nodes, std::uint32_t workers);

void record(latency_histogram& into, std::uint64_t ns, std::uint64_t times = 1);

/// Compares with tests/control_plane/metrics/golden/NAME; where it differs, the actual text is left in the
/// build folder and the message names it.
void expect_golden(const std::string& name, const std::string& actual);

}  // namespace numasio::test
