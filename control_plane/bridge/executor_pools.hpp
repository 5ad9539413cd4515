// The pools of a bridge that run tasks or reactors: from the bridge's start to its stop.
#pragma once

#include <numasio/layout.hpp>
#include <numasio/node_pool.hpp>
#include <numasio/plan.hpp>
#include <numasio/reactor_pool.hpp>
#include <numasio/status.hpp>
#include <numasio/topology.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace numasio::detail {

/// Threads: start(), stop() by one at a time; the rest any, once started. Lifetime: the pools stand until it is destroyed.
class executor_pools {
public:
    /// Before start(), which it is for.
    void hook(std::string_view pool, pool_hooks hooks) { hooks_.insert_or_assign(std::string(pool), std::move(hooks)); }

    /// Blocks: until every worker runs. Fails: as node_pool's and reactor_pool's constructors; those that were started stop then.
    void start(const plan& asked, const layout& sites, const topology& machine);

    /// What was started stops, and is gone.
    void clear() noexcept;

    /// Null: there is none of that name and kind.
    node_pool* tasks(std::string_view name) const noexcept;
    reactor_pool* reactors(std::string_view name) const noexcept;

    /// Each drains until the deadline; what is left then is destroyed uninvoked, or with the pool. How much that is.
    /// Any number of times. Blocks: until the deadline, and for what runs then.
    std::uint64_t stop(std::chrono::steady_clock::time_point deadline);
    /// Is the calling thread one of their workers?
    bool run_here() const noexcept;

    void add_placements(std::vector<placement>& to) const;
    void add_status(bridge_status& to) const;
    /// What is thrown at one pool's is that pool's: the others are looked at all the same.
    void look_after(const std::function<void(const placement&)>& tell) noexcept;
    /// How soon to look again.
    std::chrono::nanoseconds look_for_stalls() noexcept;

private:
    template <class F>
    void with_each(F f) noexcept;
    template <class Pool>
    struct named {
        std::string name;
        std::unique_ptr<Pool> pool;
    };
    std::map<std::string, pool_hooks> hooks_;
    std::vector<named<node_pool>> tasks_;
    std::vector<named<reactor_pool>> reactors_;
};

}  // namespace numasio::detail
