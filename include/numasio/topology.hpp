// The machine as a value: nodes, CPUs, caches, distances, and what this process may use of them.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/process_limits.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numasio {

/// Where a topology came from. Only a `live` one can be pinned or bound to.
enum class topology_origin {
    live,       ///< this machine, as the kernel shows it
    simulated,  ///< this machine's CPUs split into pretend nodes: pinning is real, nodes are not
    synthetic,  ///< hwloc's synthetic description: no such machine
    xml,        ///< an hwloc XML file of some machine
    fallback    ///< nothing could be discovered: one node with the CPUs the process may use
};

/// Which limit keeps a CPU from this process. An offline CPU is in topology::offline_cpus instead.
enum class cpu_denial {
    none,
    cpuset,   ///< the control group (container) does not have it
    affinity  ///< the affinity mask that the process, or the discovering thread, was given does not have it
};

struct cpu_info {
    cpu_id id;
    node_id node;                 ///< the nearest node that is not CPU-less
    std::uint32_t core = 0;       ///< logical core number within the topology; SMT siblings share it
    std::uint32_t package = 0;    ///< socket
    std::uint32_t l3_group = 0;   ///< CPUs that share a last-level cache have the same number
    std::uint32_t smt_index = 0;  ///< 0 for a core's first hardware thread
    bool allowed = true;          ///< in the discovering thread's affinity mask and cpuset
    cpu_denial denied = cpu_denial::none;  ///< where it is not allowed: by what

    friend bool operator==(const cpu_info&, const cpu_info&) = default;
};

/// The huge pages of one size that the kernel keeps ready on a node.
struct huge_page_pool {
    bytes page;               ///< size of one page
    std::uint64_t total = 0;  ///< pages in the pool
    std::uint64_t free = 0;   ///< of these not taken, at the time of discovery

    friend bool operator==(const huge_page_pool&, const huge_page_pool&) = default;
};

struct node_info {
    node_id id;
    std::vector<cpu_id> cpus;  ///< empty for a memory node (CXL, HBM)
    bytes memory;              ///< zero for a memory-less node
    bytes free_memory;         ///< at the time of discovery; zero where the topology is not live
    bool memory_allowed = true;  ///< in this process's cpuset.mems
    std::vector<huge_page_pool> huge_pages{};  ///< ascending by page size; empty where the topology is not live

    friend bool operator==(const node_info&, const node_info&) = default;
};

struct node_distance {
    node_id from;
    node_id to;
    std::uint32_t value = 0;  ///< the firmware's SLIT: 10 is local

    friend bool operator==(const node_distance&, const node_distance&) = default;
};

/// What the firmware (HMAT) says of reads by one node's CPUs from another's memory. The kernel shows the nearest
/// initiators of a node only, so that pairs may be missing.
struct memory_access {
    node_id initiator;  ///< the node whose CPUs read
    node_id target;     ///< the node whose memory is read
    std::optional<std::uint64_t> read_latency_ns;
    std::optional<std::uint64_t> read_bandwidth_mib_s;

    friend bool operator==(const memory_access&, const memory_access&) = default;
};

class topology {
public:
    topology_origin origin = topology_origin::fallback;
    std::string source;    ///< "live", a file name, a description; or why it is a fallback
    std::vector<node_info> nodes;  ///< ascending by id; with and without CPUs
    std::vector<cpu_info> cpus;    ///< that are online; ascending by id
    std::vector<cpu_id> offline_cpus;  ///< that the machine has and that do not run; ascending
    std::vector<node_distance> distances;  ///< every ordered pair the firmware gave; may be empty
    std::vector<memory_access> accesses;   ///< ascending by initiator, then target; empty where there is no HMAT
    std::optional<process_limits> limits;  ///< what `allowed` was made of; present where the CPUs are this machine's

    /// Threads: distinct objects safe, shared objects safe while nobody writes. Blocks: never.
    /// Cost: binary search. Lifetime: the pointer is valid until the topology changes.
    const node_info* find(node_id id) const noexcept;
    const cpu_info* find(cpu_id id) const noexcept;

    /// Absent for a pair that the firmware did not give. Cost: linear in the pairs.
    std::optional<std::uint32_t> distance(node_id from, node_id to) const noexcept;
    /// Null for a pair that the firmware said nothing about. Cost: binary search. Lifetime: until the topology changes.
    const memory_access* access(node_id initiator, node_id target) const noexcept;

    /// Nodes that have at least one CPU that this process may use, ascending.
    std::vector<node_id> executor_nodes() const;
    /// Nodes that have memory which this process may use, ascending; empty where no node has a memory figure.
    std::vector<node_id> memory_nodes() const;
    /// CPUs of `node` that this process may use, ascending.
    std::vector<cpu_id> allowed_cpus(node_id node) const;
    /// All CPUs that this process may use, ascending.
    std::vector<cpu_id> allowed_cpus() const;
    /// The node with memory that is nearest to `node` and allowed: itself, unless it has none. Absent where there
    /// is no such node. Where no node has a memory figure (simulated nodes), each stands for itself.
    std::optional<node_id> nearest_memory(node_id node) const;

    /// Nodes that have at least one CPU that this process may use, `home` first, the others by their distance from it.
    /// Pairs that the firmware left out count as farther than any that it gave.
    std::vector<node_id> executor_nodes_by_distance(node_id home) const;

    /// True where node numbers are the kernel's own, so that memory can be bound and audited.
    bool nodes_are_real() const noexcept { return origin == topology_origin::live; }
    /// True where CPU numbers are the kernel's own, so that threads can be pinned.
    bool cpus_are_real() const noexcept {
        return origin == topology_origin::live || origin == topology_origin::simulated ||
               origin == topology_origin::fallback;
    }

    friend bool operator==(const topology&, const topology&) = default;
};

/// Reads the machine's topology. What is allowed is what the calling thread may use: call it before pinning.
/// `source`: "live", "synthetic:DESCRIPTION" (hwloc's syntax) or the name of an hwloc XML file. Where hwloc's own
/// variables HWLOC_SYNTHETIC or HWLOC_XMLFILE are set, "live" means the machine that they name: it plans, and cannot
/// be pinned, also with HWLOC_THISSYSTEM. A described machine allows what its description allows.
/// Threads: any, while nobody changes the environment. Blocks: milliseconds (reads sysfs). Cost: one hwloc load.
/// Fails: throws boost::system::system_error(errc::wrong_topology) naming the source if a file or
/// description cannot be read; this machine never throws: what cannot be discovered is origin `fallback`.
topology discover_topology(std::string_view source = "live");

/// This machine again, after something changed: the affinity of the process is taken from `limits` instead of from the
/// calling thread, which may be pinned; all else is read anew. Threads, Blocks, Cost: as above. Fails: as "live".
topology discover_topology(const process_limits& limits);

/// The machine as hwloc's XML (version 2), which discover_topology() and lstopo load. Of this machine it allows what the
/// control group does: affinity is a thread's, and has no place there. Threads, Blocks, Cost: as discover_topology().
/// Fails: as there; throws std::system_error where hwloc cannot read this machine.
std::string topology_xml(std::string_view source = "live");

/// Splits the allowed CPUs of `machine` into `nodes` pretend nodes, for demonstrations.
/// CPUs are dealt in ascending order, as evenly as possible; pretend nodes have no memory figures. The result is
/// `simulated` where the machine's CPUs are real, and as unreal as the machine otherwise.
/// Fails: throws std::invalid_argument unless 1 <= nodes <= number of allowed CPUs.
topology simulate_nodes(const topology& machine, std::uint32_t nodes);

/// "0-3,8" for {0,1,2,3,8}. Numbers ascend, whatever their order in the argument.
std::string to_list(const std::vector<cpu_id>& cpus);
std::string to_list(const std::vector<node_id>& nodes);
std::string_view to_string(topology_origin origin) noexcept;
std::string_view to_string(cpu_denial denied) noexcept;
/// A person's view of the machine, several lines, ends with a line break.
std::string to_text(const topology& machine);

}  // namespace numasio
