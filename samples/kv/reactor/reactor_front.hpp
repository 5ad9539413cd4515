// Connections on the workers themselves, as `front: reactor` of the plan has it.
#pragma once

#include "reactor/crossing.hpp"
#include "server/connection_home.hpp"
#include "server/front.hpp"

#include <numasio/bridge.hpp>
#include <numasio/reactor_pool.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kv {

/// The bridge has the shards, in memory that it has bound and looks after; its workers have no threads (idle: caller_drives). A
/// reactor_pool on the same CPUs has the threads, and on each lives a front with its connections, beside its shard. The
/// control plane accepts, hands each connection to the worker that has the fewest, and asks every worker once a second how it is.
/// Threads: the control plane's one thread. Lifetime: context and bridge outlive it.
class reactor_front final : public connection_home {
public:
    /// The plan with which the bridge is to be made.
    static numasio::plan for_bridge(numasio::plan asked);

    /// After the bridge's start. `asked`: the pool as the plan has it. `told`: as bridge::on_placement_change().
    /// Fails: as the pool does. Blocks: until every worker runs.
    reactor_front(asio::io_context& control, numasio::bridge& shards, kv_port& port, const numasio::pool_plan& asked, const server_state& begin,
                  std::function<void(const std::vector<numasio::placement>&)> told = {});
    ~reactor_front() override;

    void take(asio::ip::tcp::socket socket, std::uint64_t id) override;
    void finish(std::function<void()> drained) override;
    std::size_t abort() override;
    /// Ends the threads, at the latest about then. The bridge may be stopped afterwards.
    void stop(std::chrono::nanoseconds patience) override;

private:
    struct worker {
        explicit worker(const server_state& begin) : state(begin) {}
        server_state state;
        std::optional<crossing> calls;
        std::optional<front> connections;
        std::optional<numasio::invoker> driver;
    };

    std::vector<kv_shard*> locate_shards();
    void set_up(std::uint32_t number);
    void look_after();
    void ask_all();

    asio::io_context& control_;
    numasio::bridge& bridge_;
    kv_port& port_;
    const std::string pool_name_;
    connection_counts& counts_;
    std::function<void(const std::vector<numasio::placement>&)> told_;
    numasio::reactor_pool pool_;
    std::vector<numasio::reactor_executor> executors_;
    std::deque<worker> workers_;
    asio::steady_timer looks_;
    std::uint32_t looked_ = 0;
    std::size_t undrained_ = 0;
    bool stopping_ = false;
    bool aborted_ = false;
};

}  // namespace kv
