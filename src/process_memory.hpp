// Where the memory of a process is, mapping by mapping, by the kernel's own account. Private to the house.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace numasio {

struct mapping_memory {
    std::uint64_t start = 0;  ///< address
    std::string policy;       ///< as the kernel writes it: "default", "bind:1", "prefer:0", "interleave:0-1"
    std::string what;         ///< a file, "heap", "stack"; empty for anonymous memory
    bytes page;               ///< size of its pages; of a transparent huge page's parts
    std::map<node_id, bytes> on_node;
    bytes misplaced;  ///< on nodes that its policy (bind) does not name

    bytes resident() const noexcept {
        bytes sum;
        for (const auto& [node, size] : on_node) { sum = sum + size; }
        return sum;
    }
};

struct process_memory {
    int id = 0;
    std::string name;  ///< the kernel's short name of it
    std::uint32_t user = 0;
    std::vector<mapping_memory> mappings;  ///< by address; those without a page in memory, too
    bool complete = true;  ///< false where the bound was reached first
    /// Pages that numa_maps and move_pages were both asked about, and those that they agree on. Another thread may move
    /// or free pages between the two questions.
    std::uint64_t pages_checked = 0;
    std::uint64_t pages_agreed = 0;
    error_code check_refused;  ///< why the pages were not checked

    std::map<node_id, bytes> on_node() const;
};

/// How much may be read at most.
struct audit_bounds {
    std::size_t mappings = 65'536;
    std::size_t checked_pages = 65'536;  ///< by move_pages; 0: none
};

/// Reads /proc/PID/numa_maps, and asks move_pages(2) about pages of the largest mappings; `pid` 0 is this process.
/// Threads: any. Blocks: the kernel walks the process's page tables, about a second for each 100 GiB of small pages, and
/// holds that process's memory map against changes one mapping at a time.
/// Fails: throws boost::system::system_error with place and remedy: ESRCH no such process, EACCES or EPERM not permitted,
/// ENOENT this kernel has no numa_maps. What move_pages refuses is in check_refused.
process_memory audit_process(int pid, const audit_bounds& bounds = {});

}  // namespace numasio
