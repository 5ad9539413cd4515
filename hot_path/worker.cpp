// The worker's life: settle, build the service, serve until told to leave, destroy the service here.
#include "hot_path/worker.hpp"

#include "hot_path/resident.hpp"
#include "hot_path/settle.hpp"
#include "hot_path/thread_settler.hpp"
#include "hot_path/worker_keepers.hpp"
#include "src/platform/signal_mask.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <optional>
#include <system_error>
#include <utility>

namespace numasio::hot_path {

using clock = std::chrono::steady_clock;

struct worker::shared {
    explicit shared(worker_orders o) : orders(std::move(o)) {}

    worker_orders orders;
    std::optional<worker_keepers> keepers;  // written before the phase that tells of it; then by whoever looks after the worker
    std::exception_ptr failure;             // written before the phase that tells of it
    enum : std::uint32_t { settling, serving, failed, ended };
    std::atomic<std::uint32_t> phase{settling};

    void enter(std::uint32_t next) noexcept {
        phase.store(next, std::memory_order_release);
        detail::futex_wake_one(phase);
    }
};

void worker::run(const std::shared_ptr<shared>& self) noexcept {
    auto& core = *self->orders.core;
    const auto& site = core.site;
    try {
        settle_thread(self->orders);
        name_this_thread(name_of(site));
        settle_memory(self->orders);
        self->keepers = worker_keepers::of_thread_and_memory(self->orders);
        resident here(self->orders);
        settle_priority(self->orders);
        self->enter(shared::serving);
        here.loop().run();
    } catch (...) {
        self->failure = std::current_exception();
        return self->enter(shared::failed);
    }
    core.state.store(worker_state::stopped, std::memory_order_release);
    self->enter(shared::ended);
}

worker::worker(worker_orders orders) : shared_(std::make_shared<shared>(std::move(orders))) {
    try {
        const platform::without_signals quiet;
        thread_ = std::thread([self = shared_] { run(self); });
    } catch (const std::system_error& e) {
        const auto& site = shared_->orders.core->site;
        throw boost::system::system_error(
            errc::thread_refused, site.pool + "/" + std::to_string(site.index) + " (" + e.what() +
                                      "); raise the limit on threads (ulimit -u, pids.max) or plan fewer workers");
    }
}

worker::~worker() {
    if (thread_.joinable()) { thread_.join(); }
}

void worker::wait_until_serving() {
    for (auto p = shared_->phase.load(std::memory_order_acquire); p == shared::settling;
         p = shared_->phase.load(std::memory_order_acquire)) {
        detail::futex_wait(shared_->phase, shared::settling);
    }
    if (shared_->phase.load(std::memory_order_acquire) == shared::failed) { std::rethrow_exception(shared_->failure); }
}

bool worker::join_until(clock::time_point deadline) noexcept {
    if (!thread_.joinable()) { return true; }
    for (auto p = shared_->phase.load(std::memory_order_acquire); p != shared::failed && p != shared::ended;
         p = shared_->phase.load(std::memory_order_acquire)) {
        const auto left = deadline - clock::now();
        if (left <= clock::duration::zero()) { return false; }
        detail::futex_wait_for(shared_->phase, p, left);
    }
    thread_.join();
    return true;
}

void worker::look_after(const std::atomic<std::uint32_t>& ends, const std::function<void(const placement&)>& tell) {
    // A thread that has ended has no place, and its number may be another's.
    if (shared_->phase.load(std::memory_order_acquire) != shared::serving) { return; }
    shared_->keepers->look(*shared_->orders.core, ends, tell);
}

void worker::leave() noexcept {
    if (!thread_.joinable()) { return; }
    shared_->orders.core->state.store(worker_state::stuck, std::memory_order_relaxed);
    thread_.detach();
}

}  // namespace numasio::hot_path
