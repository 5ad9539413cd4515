// Spreads pages over the nodes of their policy again. Private to the library.
#pragma once

#include <numasio/node_region.hpp>
#include <numasio/placement.hpp>

#include <atomic>
#include <cstdint>

namespace numasio {

/// Moves pages from nodes that have more than `wanted` to those that have less, a few of each stretch, in turn: mbind(2) moves none that is on a node of
/// its policy. A huge page goes whole. What cannot be moved stays: audit afterwards.
/// Threads: one at a time, any; the bytes may be in use. Blocks: while pages are copied (a huge page, or 4 MiB, at a time), until soon after `ends` is no longer 0.
void share_out(const node_region& region, const page_audit& now, const page_audit& wanted, const std::atomic<std::uint32_t>& ends);

}  // namespace numasio
