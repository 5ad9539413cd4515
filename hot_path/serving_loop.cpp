// The serving loop's turns, its sleep, and what it samples in between.
#include "hot_path/serving_loop.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <algorithm>
#include <chrono>

namespace numasio::hot_path {
namespace {

constexpr std::uint8_t looks_before_retiring = 128;  // a lane's mark costs a look, setting it again an exchange

}  // namespace

serving_loop::serving_loop(detail::worker_core& core, detail::hosted_service& service, const node_memory& memory,
                           const std::vector<cpu_id>& home_cpus, idle_plan idle)
    : core_(core), service_(service), memory_(memory), home_cpus_(home_cpus), idle_(idle), empty_looks_(core.lanes.size()) {}

void serving_loop::run() noexcept {
    const detail::serving_scope here;
    while (const auto served = turn()) {
        if (*served == 0) {
            stream_.interrupt();
            rest();
        } else {
            coalesce(*served);
        }
    }
}

std::optional<std::size_t> serving_loop::turn() noexcept {
    if (!core_.closing.load(std::memory_order_acquire)) { return sweep_marked(); }
    // [close-3] Pairs with [close-1]: a request pushed before its producer could see the closing
    // is in the sweep that follows this fence.
    core_.bell.fence();
    const auto served = sweep_all();
    return served != 0 ? std::optional(served) : std::nullopt;
}

/// One batch of each lane. The last sweeps do not wait for marks: a producer that finds the intake closed may set none any more.
std::size_t serving_loop::sweep_all() noexcept {
    left_some_ = false;
    std::size_t served = 0;
    for (const auto& l : core_.lanes) { served += serve(*l); }
    return finish(served);
}

/// One batch of each lane that has work, or had until lately.
std::size_t serving_loop::sweep_marked() noexcept {
    left_some_ = false;
    std::size_t served = 0;
    core_.ready.for_each([&](std::uint32_t place) {
        auto n = serve(*core_.lanes[place]);
        if (n == 0 && ++empty_looks_[place] == looks_before_retiring) {
            core_.ready.retire(place, core_.bell);
            n = serve(*core_.lanes[place]);
            if (n != 0) { core_.ready.announce(place); }
        }
        if (n != 0 || empty_looks_[place] == looks_before_retiring) { empty_looks_[place] = 0; }
        served += n;
    });
    return finish(served);
}

/// One batch of a lane.
std::size_t serving_loop::serve(detail::lane_base& from) noexcept {
    const auto n = service_.serve(from, core_.serving);
    left_some_ = left_some_ || n >= std::min(from.batch, from.capacity());
    if (n != 0) { core_.mark_replies(from); }
    return n;
}

/// Replies of a sweep go back together.
std::size_t serving_loop::finish(std::size_t served) noexcept {
    if (served == 0) { return 0; }
    // Figures first: a drain that begins now finds them counted. One that runs already may be faster.
    core_.serving.sweep_ends();
    core_.batches.add();
    core_.memory_used.store(memory_.used().value, std::memory_order_relaxed);
    sample_cpu();
    core_.post_marked();
    return served;
}

/// Execution locality: where this batch ran. Cost: no system call.
void serving_loop::sample_cpu() noexcept {
    const auto cpu = current_cpu();
    if (!cpu) { return; }
    core_.execution_samples.add();
    if (*cpu == core_.site.cpu || std::binary_search(home_cpus_.begin(), home_cpus_.end(), *cpu)) {
        core_.execution_at_home.add();
    }
}

/// Between two turns that found something.
void serving_loop::coalesce(std::size_t served) noexcept {
    idle_turns_ = 0;
    if (served == 1 && !stream_.is_on()) { return; }
    const auto until = stream_.wait_until(served, left_some_, detail::steady_ns());
    while (until != 0 && detail::steady_ns() < until) { detail::cpu_relax(); }
}

/// Between two turns that found nothing.
void serving_loop::rest() noexcept {
    switch (idle_.strategy) {
        case idle_strategy::busy_spin: return detail::cpu_relax();
        case idle_strategy::spin_then_park:
            if (is_spinning()) { return detail::cpu_relax(); }
            return park();
        case idle_strategy::park: return park();
        case idle_strategy::caller_drives: return;  // it sleeps as its caller likes
    }
}

/// False when the budget is used up.
bool serving_loop::is_spinning() noexcept {
    constexpr std::uint32_t turns_per_clock_read = 32;
    if (idle_turns_++ % turns_per_clock_read != 0) { return true; }
    const auto now = std::chrono::steady_clock::now();
    if (idle_turns_ == 1) { spin_until_ = now + idle_.spin; }
    return now < spin_until_;
}

void serving_loop::park() noexcept {
    idle_turns_ = 0;
    if (retire_marks()) { return; }
    // [wake-1] is in prepare(): announce the sleep, then look once more, then sleep.
    // A sleep counts from its announcement: a producer may ring in between, and then it ends before it began.
    core_.parks.add();
    core_.bell.prepare();
    if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return core_.bell.cancel(); }
    core_.bell.park();
}

/// Before a sleep: no mark stands for work that is not there. True if there was some after all.
bool serving_loop::retire_marks() noexcept {
    std::size_t served = 0;
    core_.ready.for_each([&](std::uint32_t place) {
        core_.ready.retire(place, core_.bell);
        const auto n = serve(*core_.lanes[place]);
        if (n != 0) { core_.ready.announce(place); }
        served += n;
    });
    return finish(served) != 0;
}

}  // namespace numasio::hot_path
