// The workers of one reactor pool together: they leave together, so that none goes while another may still send it something.
#pragma once

#include <numasio/detail/reactor_core.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace numasio::detail {

/// Lifetime: shared by the pool, its workers' threads and what accepts for it elsewhere.
class reactor_group {
public:
    /// Fails: throws system_error where there is no descriptor for a bell; std::bad_alloc.
    reactor_group(const std::vector<worker_site>& sites, std::uint32_t capacity);
    ~reactor_group();

    std::vector<std::unique_ptr<reactor_core>> cores;
    std::atomic<std::uint64_t> turned_away{0};      // connections, by whoever accepts
    std::atomic<std::uint64_t> accept_failures{0};  // on the control plane
    /// What a chooser has thrown: the first one's text is kept. Threads: any.
    void note_failure(const std::exception_ptr& what) noexcept;
    std::string first_failure() const;
    /// Of those that are not benched one with the fewest open connections. Threads: any.
    reactor_core& least_loaded() noexcept;
    /// All but the first so many of each node are benched. Threads: one at a time.
    void resize(std::uint32_t workers_per_node) noexcept;

    // --- the end, by a worker that is ending ------------------------------------------------------------
    /// Worker `index` has nothing left and has announced its sleep. True: nor has any other, nothing is on its way between them, and executors track no work: all leave.
    /// Threads: a worker. Blocks: for the others' looks.
    bool rests(std::size_t index) noexcept;
    /// It goes on. False: all leave.
    bool goes_on(std::size_t index) noexcept;

private:
    bool nothing_is_left() const noexcept;

    std::mutex mutex_;
    std::vector<bool> resting_;
    bool over_ = false;
    std::atomic<std::size_t> next_{0};  // where the look for the least loaded begins

    mutable std::mutex failure_mutex_;
    std::optional<std::string> first_failure_;
};

}  // namespace numasio::detail
