// The untyped part of a bridge: its plan, its pools, its workers from start to stop.
#pragma once

#include <numasio/detail/context_end.hpp>
#include <numasio/detail/pool_core.hpp>
#include <numasio/detail/service_factory.hpp>
#include <numasio/invoker.hpp>
#include <numasio/layout.hpp>
#include <numasio/plan.hpp>
#include <numasio/status.hpp>
#include <numasio/stop_report.hpp>
#include <numasio/task_observer.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace numasio {

class node_pool;
class reactor_pool;

namespace detail {

class running_worker;  // the hot path's side; only the assembly file knows it
class control_threads;
class placement_watch;
class placement_news;
class executor_pools;

class bridge_core {
public:
    using poster_factory = std::function<std::unique_ptr<reply_poster>()>;

    /// `context` is the executor's, or null.
    bridge_core(boost::asio::any_io_executor executor, boost::asio::execution_context* context, poster_factory posters, plan asked, topology machine);
    ~bridge_core();
    bridge_core(const bridge_core&) = delete;
    bridge_core& operator=(const bridge_core&) = delete;

    /// `ports` keeps the typed port for as long as the bridge lives.
    std::shared_ptr<pool_core> open(std::string_view pool, std::unique_ptr<service_factory> factory);
    void keep(std::shared_ptr<void> port) { ports_.push_back(std::move(port)); }

    void check() const;
    void start();
    stop_report stop(std::chrono::nanoseconds deadline);
    invoker invoker_of(std::string_view pool, std::uint32_t worker) const;
    node_pool& tasks(std::string_view pool) const;
    void hook(std::string_view pool, pool_hooks hooks);
    reactor_pool& reactors(std::string_view pool) const;
    void pin_control_thread();
    void on_placement_change(std::function<void(const std::vector<placement>&)> told);
    void announce_drain() noexcept { draining_.store(true); }

    std::vector<placement> placements() const;
    bridge_status status() const;
    const topology& machine() const noexcept { return machine_; }
    const plan& asked() const noexcept { return plan_; }
    const layout& sites() const noexcept { return layout_; }

private:
    struct opened_pool {
        const pool_plan* asked;
        std::shared_ptr<const service_factory> factory;
        std::shared_ptr<pool_core> core;
        std::vector<std::shared_ptr<worker_core>> workers;
        std::vector<std::shared_ptr<driven>> drivers;  // one for each worker; null where it has a thread
    };
    std::vector<node_id> nodes_of(std::string_view pool) const;
    [[noreturn]] void fail_unknown(std::string_view pool) const;
    const pool_plan& pool_that(run_mode runs, std::string_view name) const;
    template <class Find>
    auto& started(std::string_view pool, Find find) const;
    void check_opened() const;
    void launch(opened_pool& pool);
    std::chrono::nanoseconds look_after_threads(const std::atomic<std::uint32_t>& ends) noexcept;
    void leave_to_parent() noexcept;
    void context_ends() noexcept;
    void cut() noexcept;
    stop_report stop_workers(std::chrono::steady_clock::time_point deadline);
    std::uint64_t count_stopped() const noexcept;

    boost::asio::any_io_executor executor_;
    poster_factory posters_;
    const plan plan_;
    const topology machine_;
    const layout layout_;
    std::shared_ptr<std::atomic<std::uint64_t>> abandoned_;
    const std::shared_ptr<control_threads> control_;
    const std::shared_ptr<placement_news> news_;
    const std::uint32_t generation_;  // of forks

    mutable std::mutex mutex_;  // start and stop against each other; never taken by a request or by status()
    enum class phase { made, started, stopped };
    std::atomic<phase> phase_{phase::made};
    std::atomic<bool> draining_{false};
    std::atomic<bool> stopping_{false};  // a start under way gives up
    std::vector<opened_pool> pools_;  // does not change once started
    std::vector<std::unique_ptr<running_worker>> running_;
    std::vector<std::shared_ptr<void>> ports_;
    std::unique_ptr<executor_pools> executors_;  // none before start(); what waits there may hold places of the lanes
    std::chrono::steady_clock::time_point looked_at_{};  // by the watch: at all, not for stalls alone
    std::unique_ptr<placement_watch> watch_;  // while started
    stop_report report_;
    std::shared_ptr<context_end> context_;  // last: what is told needs the rest
};

}  // namespace detail
}  // namespace numasio
