// A snapshot of what the bridge and its workers are doing: plain values, safe to keep.
#pragma once

#include <numasio/call_options.hpp>
#include <numasio/ids.hpp>
#include <numasio/layout.hpp>
#include <numasio/numa_balancing.hpp>
#include <numasio/placement.hpp>
#include <numasio/reactor_status.hpp>
#include <numasio/task_status.hpp>
#include <numasio/topology.hpp>
#include <numasio/worker_state.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numasio {

/// A histogram of durations. Bucket i counts values in [lower(i), lower(i+1)) nanoseconds; buckets are
/// log-linear, 8 to an octave (relative error at most 12.5 %), from 0 to about 68 s; the last takes the rest.
class latency_histogram {
public:
    static constexpr std::size_t sub_buckets = 8;
    static constexpr std::size_t bucket_count = 272;

    static constexpr std::size_t index(std::uint64_t ns) noexcept {
        const auto octave = static_cast<std::size_t>(63 - __builtin_clzll(ns | sub_buckets)) - 3;  // 0 below 2 * sub_buckets
        const std::size_t i = octave * sub_buckets + static_cast<std::size_t>(ns >> octave);
        return i < bucket_count ? i : bucket_count - 1;
    }
    static constexpr std::uint64_t lower(std::size_t i) noexcept {
        if (i < sub_buckets) { return i; }
        return (8ULL + i % sub_buckets) << (i / sub_buckets - 1);
    }

    std::array<std::uint64_t, bucket_count> counts{};
    std::uint64_t total_ns = 0;

    std::uint64_t count() const noexcept;
    /// Upper bound of the bucket that holds quantile `q`; absent where nothing was recorded.
    std::optional<std::chrono::nanoseconds> quantile(double q) const noexcept;
    latency_histogram& operator+=(const latency_histogram& other) noexcept;
};

/// One lane between one producer thread, or those beyond the plan's, and one worker. Each figure is counted where its event happens, so that
/// once all is quiet these hold or something is wrong: offered = accepted + rejected + returned + withdrawn,
/// accepted = ran + cancelled + expired + dropped + shed + stopped = delivered.
struct lane_status {
    std::uint32_t capacity = 0;
    request_class kind = request_class::latency;
    bool in_use = false;          ///< a producer thread holds it now; of the shared lane: one has come to it
    bool shared = false;          ///< the last of its class: of all producer threads beyond the plan's `lane.producers`
    std::uint64_t offered = 0;    ///< asked for a place
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;   ///< lane full
    std::uint64_t returned = 0;   ///< places reserved and given back unused
    std::uint64_t withdrawn = 0;  ///< waited for a place and ended without one
    std::uint64_t waiting = 0;    ///< wait for a place now
    std::uint64_t ran = 0;        ///< the service was called (and returned or threw)
    std::uint64_t failed = 0;     ///< … of these: the service threw
    std::uint64_t cancelled = 0;  ///< cancelled by the caller before the service was called
    std::uint64_t expired = 0;    ///< not started within the time that their caller gave them
    std::uint64_t dropped = 0;    ///< the oldest of too many that may be dropped
    std::uint64_t shed = 0;       ///< ended unrun because the worker did not keep up
    std::uint64_t stopped = 0;    ///< ended with errc::stopped
    std::uint64_t delivered = 0;  ///< handlers handed to their executor
    std::uint64_t queued = 0;     ///< accepted and not yet served
    std::uint64_t queued_high_water = 0;  ///< the most that the worker has found queued at a time, when it began a batch, ended a full one, or began a request 10 us or more after its last look; or `queued` now. A burst may have been deeper by up to a batch
};

struct worker_status {
    worker_site site;
    worker_state state = worker_state::starting;
    bool parked = false;
    std::uint64_t doorbells = 0;  ///< times a producer woke it
    std::uint64_t parks = 0;      ///< sleeps announced; some end before they begin, because work came
    std::uint64_t batches = 0;
    std::uint64_t displacements = 0;  ///< times its CPU was found taken from it: offline, or out of the cpuset
    std::vector<lane_status> lanes;
    std::string first_failure;      ///< what the first exception that the service threw said; empty where none did
    latency_histogram queue_delay;  ///< submission → service
    latency_histogram round_trip;   ///< submission → the reply is handed to its handler's executor
    bytes memory_limit;
    bytes memory_used;

    /// Share of sampled batches that ran on a CPU of the home node; absent where not measured.
    std::optional<double> execution_locality;
    /// Share of sampled pages on the memory node; absent where not measured.
    std::optional<double> page_locality;
    std::uint64_t execution_samples = 0;
    std::uint64_t pages_sampled = 0;
};

std::string_view to_string(request_class kind) noexcept;

struct pool_status {
    std::string name;
    std::uint64_t refused = 0;  ///< requests refused before they reached a lane: no_lane, no_worker, stopped, forked, …
};

struct bridge_status {
    bool accepting = false;  ///< between start() and announce_drain() or stop()
    bool draining = false;   ///< announced, or stop() is under way or over
    std::uint64_t abandoned = 0;  ///< handlers destroyed uninvoked because their context never ran again
    std::vector<pool_status> pools;                ///< that serve, in the order in which they were opened
    std::vector<worker_status> workers;            ///< of these
    std::vector<task_pool_status> task_pools;      ///< in the order of the plan, as those of reactors
    std::vector<reactor_pool_status> reactor_pools;
    std::vector<placement> placements;             ///< of all
    std::vector<std::string> degraded;  ///< one reason a line; empty when all is as asked
    numa_balancing_mode numa_balancing = numa_balancing_mode::unknown;  ///< the kernel's setting now
};

}  // namespace numasio
