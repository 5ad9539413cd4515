// Turns of a worker that its caller drives, and how it ends.
#include "hot_path/driven_worker.hpp"

#include "hot_path/settle.hpp"

#include <thread>
#include <utility>

namespace numasio::hot_path {

class driven_worker::turn {
public:
    explicit turn(std::atomic<bool>& held) noexcept : held_(held), mine_(!held.exchange(true, std::memory_order_acquire)) {}
    ~turn() {
        if (mine_) { held_.store(false, std::memory_order_release); }
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    explicit operator bool() const noexcept { return mine_; }

private:
    std::atomic<bool>& held_;
    const bool mine_;
    const detail::serving_scope here_;
};

driven_worker::driven_worker(worker_orders orders) : orders_(std::move(orders)) {
    settle_no_thread(orders_);
    settle_memory(orders_);
    keepers_ = worker_keepers::of_memory(orders_);
    here_.emplace(orders_);
}

std::size_t driven_worker::invoke() noexcept {
    const turn mine(held_);
    if (!mine || !here_) { return 0; }
    here_->move_here();
    return here_->loop().turn().value_or(0);
}

void driven_worker::pin() { settle_thread(orders_); }

bool driven_worker::finish_until(std::chrono::steady_clock::time_point deadline) noexcept {
    constexpr auto between_looks = std::chrono::microseconds(100);
    for (;;) {
        if (const turn mine(held_); mine) {
            if (!here_) { return true; }
            here_->move_here();
            orders_.core->serving.abort_at(deadline);
            while (here_->loop().turn()) {}
            here_.reset();
            orders_.core->state.store(worker_state::stopped, std::memory_order_release);
            return true;
        }
        if (std::chrono::steady_clock::now() >= deadline) { return false; }
        std::this_thread::sleep_for(between_looks);
    }
}

void driven_worker::look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell) {
    keepers_.look(*orders_.core, ends, tell);
}

void driven_worker::leave() noexcept { orders_.core->state.store(worker_state::stuck, std::memory_order_relaxed); }

}  // namespace numasio::hot_path
