// Measures what each node's memory costs from each node's CPUs: latency and read bandwidth. Private to the house.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/topology.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace numasio {

struct speed_options {
    /// Of the buffer on each node; absent: four times the last-level cache, at least 64 MiB, at most half of what the node
    /// has to give.
    std::optional<bytes> size;
    std::chrono::nanoseconds time{100'000'000};       ///< of each measurement; less where `total` would not hold
    std::chrono::nanoseconds total{60'000'000'000};   ///< of all measurements together, without making the buffers
};

/// The buffer that stands on one node.
struct speed_target {
    node_id node;
    bytes size;
    std::optional<double> huge;  ///< share of it on transparent huge pages; absent where the kernel does not say
    std::string why;             ///< why there is none; empty where there is
};

/// One cell of the matrix. What was not measured is absent.
struct speed_cell {
    node_id from;  ///< where the threads run
    node_id to;    ///< where the memory is
    std::optional<double> latency_ns;         ///< of one load that depends on the one before, caches missed
    std::optional<double> bytes_per_second;   ///< read by `threads` threads at once
    std::size_t threads = 0;
    std::string why;  ///< why something is absent
};

struct speed_matrix {
    std::vector<node_id> from;
    std::vector<speed_target> to;
    std::vector<speed_cell> cells;  ///< to by to, within that from by from
    std::optional<bytes> cache;     ///< the largest cache of a CPU
    std::chrono::nanoseconds time{};  ///< that each measurement took
};

/// Loads over a random cycle through the buffer (one thread, pinned to the node's first CPU), then plain reading by a thread on
/// each core of the node, at most 32. Buffers are bound, prefaulted, and measured only if the kernel finds every page there.
/// `progress` hears how many of how many cells are done.
/// Threads: any; makes its own. Blocks: for about `total` and the making of the buffers (a second for each GiB).
/// Fails: throws boost::system::system_error(errc::not_this_machine) unless nodes are real, std::bad_alloc, and what thread
/// creation throws; everything else is a cell without a figure.
speed_matrix measure_memory_speed(const topology& machine, const speed_options& options,
                                  const std::function<void(std::size_t done, std::size_t all)>& progress = {});

}  // namespace numasio
