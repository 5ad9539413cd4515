// The contenders of bench_round_trip: calls that come back, and tasks that only go there.
#pragma once

#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>

#include <memory>
#include <vector>

namespace numasio::bench {

/// Threads and services that live as long as the contenders; between its turns each sleeps.
class rig {
public:
    virtual ~rig() = default;
    /// Millions of round trips per second, by `in_flight` callers that each wait for their reply.
    virtual std::vector<contender> round_trips(int in_flight, int count) = 0;
    /// Millions of empty tasks per second, from the calling thread to the worker.
    virtual std::vector<contender> one_way(int count) = 0;
};

/// The calling side is pinned to cpus[0], the worker's to cpus[1].
std::unique_ptr<rig> make_bridge_rig(const std::vector<cpu_id>& cpus);
std::unique_ptr<rig> make_asio_rig(const std::vector<cpu_id>& cpus);
std::unique_ptr<rig> make_tokio_rig(const std::vector<cpu_id>& cpus);
std::unique_ptr<rig> make_tbb_rig(const std::vector<cpu_id>& cpus);
std::unique_ptr<rig> make_ring_rig(const std::vector<cpu_id>& cpus);

}  // namespace numasio::bench
