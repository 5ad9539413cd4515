// The worker's life: settle, build the service, serve until told to leave, destroy the service here.
#include "hot_path/worker.hpp"

#include "hot_path/settle.hpp"
#include "src/region_keeper.hpp"
#include "src/thread_keeper.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace numasio::hot_path {

using clock = std::chrono::steady_clock;

struct worker::shared {
    explicit shared(worker_orders o) : orders(std::move(o)) {}

    worker_orders orders;
    std::optional<thread_keeper> keeper;    // these two written before the phase that tells of it
    std::vector<region_keeper> memory;
    std::uint32_t looks = 0;                // these two by whoever looks after the worker
    std::vector<placement> untold;          // found, and not stored and told yet
    std::exception_ptr failure;             // written before the phase that tells of it
    enum : std::uint32_t { settling, serving, failed, ended };
    std::atomic<std::uint32_t> phase{settling};

    void enter(std::uint32_t next) noexcept {
        phase.store(next, std::memory_order_release);
        detail::futex_wake_one(phase);
    }
};

namespace {

/// The serving loop. One object per worker, on its thread.
class server {
public:
    server(const worker_orders& orders, detail::hosted_service& service, const node_memory& memory)
        : orders_(orders), core_(*orders.core), service_(service), memory_(memory), marked_(core_.ready.words()) {}

    void run() noexcept {
        for (;;) {
            const bool closing = core_.closing.load(std::memory_order_acquire);
            // [close-3] Pairs with [close-1]: a request pushed before its producer could see the closing
            // is in the sweep that follows this fence.
            if (closing) { core_.bell.fence(); }
            if (closing ? sweep_all() : sweep_marked()) { continue; }
            if (closing) { return; }
            idle();
        }
    }

private:
    /// One batch of each lane. The last sweeps do not wait for marks: a producer that finds the intake closed may set none any more.
    bool sweep_all() noexcept {
        std::size_t served = 0;
        for (const auto& l : core_.lanes) { served += service_.serve(*l, core_.serving); }
        return finish(served);
    }

    /// One batch of each lane that has work; a full batch may have left some.
    bool sweep_marked() noexcept {
        if (!core_.ready.collect(marked_, core_.bell)) { return false; }
        std::size_t served = 0;
        for (std::size_t word = 0; word < marked_.size(); ++word) {
            for (std::uint64_t marks = marked_[word]; marks != 0; marks &= marks - 1) {
                const auto bit = static_cast<std::uint32_t>(std::countr_zero(marks));
                const auto n = service_.serve(*core_.lanes[word * detail::ready_set::lanes_per_word + bit], core_.serving);
                if (n < detail::lane_base::batch) { marked_[word] &= ~(std::uint64_t{1} << bit); }
                served += n;
            }
        }
        return finish(served);
    }

    /// Replies of a sweep go back together. False if there was nothing.
    bool finish(std::size_t served) noexcept {
        if (served == 0) { return false; }
        // Figures first: whoever has a reply finds them counted.
        core_.serving.busy_since.store(0, std::memory_order_relaxed);
        core_.batches.add();
        core_.memory_used.store(memory_.used().value, std::memory_order_relaxed);
        sample_cpu();
        core_.replies_ready();
        return true;
    }

    /// Execution locality: where this batch ran. Cost: no system call.
    void sample_cpu() noexcept {
        const auto cpu = current_cpu();
        if (!cpu) { return; }
        core_.execution_samples.add();
        const auto& home = orders_.home_cpus;
        if (*cpu == core_.site.cpu || std::binary_search(home.begin(), home.end(), *cpu)) {
            core_.execution_at_home.add();
        }
    }

    void idle() noexcept {
        switch (orders_.idle.strategy) {
            case idle_strategy::busy_spin: return detail::cpu_relax();
            case idle_strategy::spin_then_park:
                if (spin()) { return; }
                break;
            case idle_strategy::park: break;
        }
        // [wake-1] is in prepare(): announce the sleep, then look once more, then sleep.
        // A sleep counts from its announcement: a producer may ring in between, and then it ends before it began.
        core_.parks.add();
        core_.bell.prepare();
        if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return core_.bell.cancel(); }
        core_.bell.park();
    }

    /// True as soon as there is work, false when the budget is used up.
    bool spin() noexcept {
        constexpr int looks_per_clock_read = 32;
        const auto until = clock::now() + orders_.idle.spin;
        do {
            for (int i = 0; i < looks_per_clock_read; ++i) {
                if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return true; }
                detail::cpu_relax();
            }
        } while (clock::now() < until);
        return false;
    }

    const worker_orders& orders_;
    detail::worker_core& core_;
    detail::hosted_service& service_;
    const node_memory& memory_;
    std::vector<std::uint64_t> marked_;  // lanes that are known to have work, by words of the ready set
};

std::unique_ptr<detail::hosted_service> build_service(const worker_orders& orders, node_context& context) try {
    return orders.factory->make_service(context);
} catch (const std::exception& e) {
    const auto& site = orders.core->site;
    const bool memory = dynamic_cast<const std::bad_alloc*>(&e) != nullptr;
    std::throw_with_nested(boost::system::system_error(
        errc::service_failed, site.pool + "/" + std::to_string(site.index) + " on CPU " +
                                  std::to_string(site.cpu.value) + ": building the service: " + e.what() +
                                  (memory ? " (the pool's memory.per_worker may be too little)" : "")));
}

/// For the calling thread, once it is pinned.
thread_keeper keeper_of(const worker_orders& orders) {
    const auto& site = orders.core->site;
    placement settled;
    settled.subject = placement_subject::cpu;
    settled.owner = site.pool + "/" + std::to_string(site.index);
    settled.outcome = placement_outcome::honoured;
    settled.asked = settled.got = "CPU " + std::to_string(site.cpu.value);
    auto now = settled;
    for (auto& p : orders.core->placements.all()) {
        if (p.subject == placement_subject::cpu) { now = std::move(p); }
    }
    return {platform::this_thread(), {site.cpu}, orders.refuges, std::move(settled), now};
}

/// For what the kernel is known to have put where it should be: the rest was told as degraded and stays so.
std::vector<region_keeper> keepers_of_memory(const worker_orders& orders) {
    const auto& core = *orders.core;
    std::vector<region_keeper> keepers;
    const auto keep = [&](const node_region& region, placement_subject subject) {
        const auto& placed = region.placed();
        if (!placed.bound || placed.policy == memory_policy::local) { return; }
        for (auto& p : core.placements.all()) {
            if (p.subject == subject && p.outcome == placement_outcome::honoured) { keepers.emplace_back(region, placed.policy, placed.nodes, std::move(p)); }
        }
    };
    keep(core.service_memory, placement_subject::service_memory);
    keep(core.lane_memory, placement_subject::lane_memory);
    return keepers;
}

}  // namespace

void worker::run(const std::shared_ptr<shared>& self) noexcept {
    auto& core = *self->orders.core;
    const auto& site = core.site;
    try {
        settle(self->orders);
        self->keeper = keeper_of(self->orders);
        self->memory = keepers_of_memory(self->orders);
        node_memory memory(core.service_memory.data());
        node_context context(site.node, site.cpu, site.index, self->orders.workers, memory, memory.limit());
        const auto service = build_service(self->orders, context);
        server loop(self->orders, *service, memory);
        core.memory_used.store(memory.used().value, std::memory_order_relaxed);
        core.state.store(worker_state::running, std::memory_order_release);
        self->enter(shared::serving);
        loop.run();
    } catch (...) {
        self->failure = std::current_exception();
        return self->enter(shared::failed);
    }
    core.state.store(worker_state::stopped, std::memory_order_release);
    self->enter(shared::ended);
}

worker::worker(worker_orders orders) : shared_(std::make_shared<shared>(std::move(orders))) {
    try {
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
    auto& core = *shared_->orders.core;
    auto& untold = shared_->untold;
    untold.reserve(untold.size() + 1 + shared_->memory.size());  // a keeper tells a change once
    auto found = shared_->keeper->look();
    if (found.displaced) { core.displacements.fetch_add(1, std::memory_order_relaxed); }
    if (found.changed) { untold.push_back(std::move(*found.changed)); }
    if (shared_->looks++ % 2 == 0) {
        for (auto& memory : shared_->memory) {
            if (auto moved = memory.look(ends)) { untold.push_back(std::move(*moved)); }
        }
    }
    while (!untold.empty()) {
        core.placements.replace(untold.front());
        tell(untold.front());
        untold.erase(untold.begin());
    }
}

void worker::leave() noexcept {
    if (!thread_.joinable()) { return; }
    shared_->orders.core->state.store(worker_state::stuck, std::memory_order_relaxed);
    thread_.detach();
}

}  // namespace numasio::hot_path
