// A pin that ends with its scope: the thread gets back the CPUs that it had.
#pragma once

#include <numasio/affinity.hpp>
#include <numasio/topology.hpp>

#include <span>
#include <thread>
#include <vector>

namespace numasio {

/// Which hardware threads of a core a set of CPUs is to hold.
enum class smt_policy {
    all_threads,  ///< every hardware thread
    first_thread  ///< one for each core: its first that this process may use
};

/// The CPUs that this process may use of a node, of the cores that share a last-level cache with `cpu`, or of the core
/// that `cpu` is a hardware thread of; ascending. Empty where there are none, or no such node or CPU.
/// Threads: any. Blocks: never. Fails: throws std::bad_alloc only. Cost: linear in the machine's CPUs.
std::vector<cpu_id> cpus_of_node(const topology& machine, node_id node, smt_policy smt = smt_policy::all_threads);
std::vector<cpu_id> cpus_of_cache(const topology& machine, cpu_id cpu, smt_policy smt = smt_policy::all_threads);
std::vector<cpu_id> cpus_of_core(const topology& machine, cpu_id cpu);

/// What the kernel made of a pin.
struct pin_result {
    error_code error;         ///< none where the mask is exactly the one that was asked for
    std::vector<cpu_id> got;  ///< the mask read back; empty where it cannot be read

    /// Pinned to some of the CPUs that were asked for and to no others: the rest is offline, or outside the cpuset.
    bool partial() const noexcept { return error == errc::pin_refused && !got.empty(); }
    explicit operator bool() const noexcept { return !error; }
};

/// Pins the calling thread from construction to destruction, which restores the mask that the thread had. Pins nest. Stays
/// on its thread: neither copied nor moved; destroyed by another thread it ends the process (our contract was broken).
/// Thread safety: distinct objects safe (on distinct threads, or nested on one); shared objects unsafe.
class scoped_pin {
public:
    /// Blocks: three system calls. Cost: microseconds. Fails: throws std::bad_alloc; everything else is in result(), and
    /// then the thread runs where the kernel left it.
    explicit scoped_pin(std::span<const cpu_id> cpus);
    explicit scoped_pin(cpu_id cpu) : scoped_pin(std::span<const cpu_id>(&cpu, 1)) {}
    ~scoped_pin();
    scoped_pin(const scoped_pin&) = delete;
    scoped_pin& operator=(const scoped_pin&) = delete;

    const pin_result& result() const noexcept { return result_; }

private:
    std::thread::id thread_;
    std::vector<cpu_id> before_;
    pin_result result_;
};

}  // namespace numasio
