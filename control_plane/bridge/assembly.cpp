// The one file in which the control plane and the hot path meet.
#include "control_plane/bridge/assembly.hpp"

#include "hot_path/driven_worker.hpp"
#include "hot_path/worker.hpp"
#include "src/thread_keeper.hpp"

namespace numasio::detail {
namespace {

class hot_worker final : public running_worker {
public:
    explicit hot_worker(hot_path::worker_orders orders) : worker_(std::move(orders)) {}
    void wait_until_serving() override { worker_.wait_until_serving(); }
    bool join_until(std::chrono::steady_clock::time_point deadline) noexcept override {
        return worker_.join_until(deadline);
    }
    void look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell) override {
        worker_.look_after(ends, tell);
    }
    void leave() noexcept override { worker_.leave(); }
    std::shared_ptr<driven> driver() const noexcept override { return nullptr; }

private:
    hot_path::worker worker_;
};

class caller_driven_worker final : public running_worker {
public:
    explicit caller_driven_worker(hot_path::worker_orders orders)
        : worker_(std::make_shared<hot_path::driven_worker>(std::move(orders))) {}
    void wait_until_serving() override {}
    bool join_until(std::chrono::steady_clock::time_point deadline) noexcept override {
        return worker_->finish_until(deadline);
    }
    void look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell) override {
        worker_->look_after(ends, tell);
    }
    void leave() noexcept override { worker_->leave(); }
    std::shared_ptr<driven> driver() const noexcept override { return worker_; }

private:
    std::shared_ptr<hot_path::driven_worker> worker_;
};

}  // namespace

std::unique_ptr<running_worker> launch_worker(std::shared_ptr<worker_core> core, const pool_plan& asked,
                                              std::uint32_t workers, const topology& machine,
                                              std::shared_ptr<const service_factory> factory) {
    hot_path::worker_orders orders;
    orders.home_cpus = machine.allowed_cpus(core->site.node);
    orders.refuges = refuges_from(machine, core->site.node);
    orders.core = std::move(core);
    orders.factory = std::move(factory);
    orders.workers = workers;
    orders.memory = asked.memory;
    orders.lane = asked.lane;
    orders.idle = asked.idle;
    orders.realtime = asked.realtime;
    orders.enforce = asked.enforce;
    orders.origin = machine.origin;
    if (asked.idle.strategy == idle_strategy::caller_drives) { return std::make_unique<caller_driven_worker>(std::move(orders)); }
    return std::make_unique<hot_worker>(std::move(orders));
}

}  // namespace numasio::detail
