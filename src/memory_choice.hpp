// What a memory policy and a kind of page mean. Private to the library.
#pragma once

#include <numasio/ids.hpp>
#include <numasio/plan.hpp>

namespace numasio {

/// Pages in turn over several nodes.
constexpr bool interleaves(memory_policy policy) noexcept {
    return policy == memory_policy::interleave || policy == memory_policy::weighted_interleave;
}

/// Of the pages that come from the nodes' pools; zero for the kernel's usual ones.
constexpr bytes pool_page_size(const or_auto<page_kind>& pages) noexcept {
    if (pages == page_kind::huge_2mib) { return {std::uint64_t{2} << 20}; }
    if (pages == page_kind::huge_1gib) { return {std::uint64_t{1} << 30}; }
    return {0};
}

}  // namespace numasio
