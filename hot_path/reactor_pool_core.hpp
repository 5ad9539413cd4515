// The threads of a reactor pool: started together or not at all, told to end, joined.
#pragma once

#include "hot_path/reactor_group.hpp"
#include "hot_path/stall_teller.hpp"
#include "src/thread_keeper.hpp"

#include <numasio/plan.hpp>
#include <numasio/reactor_connection.hpp>
#include <numasio/reactor_status.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace numasio::hot_path {

class reactor_loop;

/// What reactor_pool says of its members holds for these.
class reactor_pool_core {
    using endpoint = boost::asio::ip::tcp::endpoint;

public:
    reactor_pool_core(pool_plan asked, const topology& machine, std::vector<worker_site> sites);
    ~reactor_pool_core();
    reactor_pool_core(const reactor_pool_core&) = delete;
    reactor_pool_core& operator=(const reactor_pool_core&) = delete;

    /// Fails: nothing runs then.
    void start();

    const std::vector<worker_site>& sites() const noexcept { return sites_; }
    const pool_plan& plan() const noexcept { return plan_; }
    detail::reactor_group& group() const noexcept { return *group_; }

    endpoint listen(const endpoint& at, connection_handler handler);
    endpoint accept_on(const boost::asio::any_io_executor& control, const endpoint& at, connection_handler handler, std::function<reactor_executor(const endpoint&)> choose);
    void stop_listening();

    void stop() noexcept;
    void join();
    std::uint64_t stop_in(std::chrono::nanoseconds deadline);
    bool runs_here() const noexcept;
    void resize(std::uint32_t workers_per_node) noexcept;

    reactor_pool_status status() const;
    std::vector<placement> placements() const;
    void look_after(const std::function<void(const placement&)>& tell);
    std::chrono::nanoseconds look_for_stalls();
    stall_teller stalls;

private:
    void run_worker(std::size_t index) noexcept;
    void settle(std::size_t index);
    void make_context(std::size_t index, std::optional<reactor_loop>& loop);
    void wait_until_settled();
    void end_all(std::int64_t deadline_ns) noexcept;
    void close_elsewhere() noexcept;
    void must_accept(const endpoint& at, const connection_handler& handler) const;
    void must_not_be_on_a_worker(const char* what) const;
    bool is_in_child() const noexcept { return detail::fork_generation() != generation_; }

    const pool_plan plan_;
    const topology machine_;
    const std::vector<worker_site> sites_;
    const std::uint32_t generation_ = detail::fork_generation();
    std::shared_ptr<detail::reactor_group> group_;
    std::vector<std::optional<thread_keeper>> keepers_;  // each written by its worker before it has settled; then by who looks after it
    std::vector<platform::kernel_thread> numbers_;       // … too
    std::vector<stall_watch> watches_;                   // by who looks for stalls
    std::atomic<std::uint32_t> settled_{0};              // workers that run, or never will
    std::atomic<std::int64_t> left_{0};                  // tracked work that was destroyed, by workers that have ended

    mutable std::mutex mutex_;  // of all below
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
    std::mutex joining_;  // one joins, others wait for it
    std::vector<std::weak_ptr<detail::reactor_listener>> elsewhere_;  // their contexts have them, and may end first
    std::vector<reactor_listener_status> listeners_;
};

}  // namespace numasio::hot_path
