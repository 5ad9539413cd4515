// What a region may be asked to be, how it is touched, and what came of it.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/ids.hpp>
#include <numasio/placement.hpp>
#include <numasio/plan.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numasio {

/// The progress of a prefault, and its end before the time.
/// Threads: any. Blocks: never. Lifetime: outlives the prefault that it was given to.
class prefault_watch {
public:
    bytes touched() const noexcept { return {touched_.load(std::memory_order_relaxed)}; }
    /// The prefault ends with operation_canceled, some megabytes later at the latest.
    void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
    bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
    /// For the prefault itself.
    void add(bytes more) noexcept { touched_.fetch_add(more.value, std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> touched_{0};
    std::atomic<bool> cancelled_{false};
};

struct prefault_options {
    /// Threads pinned to these CPUs touch the pages: one for each 64 MiB, at most one a CPU. Empty: the calling thread
    /// does. A node's own CPUs touch it fastest, and under memory_policy::local they decide where the pages are.
    std::vector<cpu_id> cpus{};
    prefault_watch* watch = nullptr;
};

struct region_options {
    memory_policy policy = memory_policy::bind;
    std::vector<node_id> nodes{};     ///< one or more; `preferred` looks at the first; `local`: where they should be, or empty
    or_auto<page_kind> pages{};       ///< auto: as the system's setting of transparent huge pages has it
    bool lock = false;                ///< never written to a swap device (mlock)
    enforcement enforce = enforcement::strict;
    prefault_options touch{};
};

/// One thing that best effort did without.
struct region_loss {
    std::string step;  ///< "mbind", "page audit", …
    error_code error;
    std::string why;   ///< what is there instead, and the remedy where there is one
};

/// What a region is. The default is that nothing was enforced.
struct region_placement {
    placement_outcome outcome = placement_outcome::not_enforced;
    bool bound = false;  ///< the kernel took the policy
    memory_policy policy = memory_policy::local;
    std::vector<node_id> nodes{};
    or_auto<page_kind> pages{};
    std::optional<double> huge_share{};  ///< `transparent` only: share that is on huge pages, 0 … 1, when it had been touched (/proc/self/smaps); absent = not known
    bool locked = false;
    std::vector<region_loss> lost{};  ///< empty where honoured
    page_audit audit{};               ///< of all pages, when they had been touched
};

/// "bind node 1, 2MiB pages: 8 pages on node 1 (honoured)"; with what was lost where something was.
std::string to_text(const region_placement& p);

}  // namespace numasio
