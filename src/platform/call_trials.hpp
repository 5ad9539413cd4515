// One function for each call to try: makes it for real and says what came of it. Private to src/.
#pragma once

#include "src/platform/child_trial.hpp"

#include <numasio/ids.hpp>

#include <span>

namespace numasio::platform {

/// Each changes the process that it runs in: for try_in_child().
/// Threads: the caller's only. Blocks: system calls. Fails: in the result; throws std::bad_alloc.
trial try_affinity(cpu_id cpu);
trial try_fifo();
trial try_bind(node_id node);
trial try_thread_policy(node_id node);
trial try_allowed_nodes();
trial try_preferred_many(std::span<const node_id> nodes);
trial try_weighted_interleave(std::span<const node_id> nodes);
trial try_locate();
trial try_move(node_id from, node_id to);
trial try_migrate(node_id from, node_id to);
trial try_populate();
trial try_transparent_huge_pages();
trial try_huge_page(bytes size);
trial try_lock(bytes size);
trial try_membarrier();
trial try_io_uring();
trial try_counters();
trial try_cpuset();

}  // namespace numasio::platform
