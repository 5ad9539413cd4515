// Memory of the hot path at its start: mapped, bound to the worker's node, touched, read back.
#pragma once

#include "hot_path/thread_settler.hpp"

#include <numasio/node_region.hpp>

#include <string>

namespace numasio::hot_path {

/// Each piece yields a placement. The rest as thread_settler, but any thread may do it: what is bound is bound whoever touches it.
class memory_settler : public thread_settler {
public:
    /// `remedy`: what the user can lower, for errors. Fails: throws system_error where the memory cannot be mapped or touched; the rest as thread_settler.
    memory_settler(const worker_site& site, detail::placement_book& placements, enforcement enforce, topology_origin origin, const char* remedy)
        : thread_settler(site, placements, enforce, origin), remedy_(remedy) {}

    node_region bind(placement_subject subject, bytes size, memory_policy policy);
    /// False: of some pages so far nobody knows where they are.
    bool knows_pages() const noexcept { return knows_pages_; }

protected:
    node_region made(bytes size, const region_options& options) const;
    /// The text of what an audit has found.
    std::string found(const page_audit& audit);

private:
    error_code judge(const page_audit& audit) const;
    node_region map(bytes size) const;
    void fault_in(node_region& region) const;

    const char* const remedy_;
    bool knows_pages_ = true;
};

/// "64 MiB"
std::string size_text(bytes size);

}  // namespace numasio::hot_path
