// The serving loop's turns, its sleep, and what it samples in between.
#include "hot_path/serving_loop.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <algorithm>
#include <bit>
#include <chrono>

namespace numasio::hot_path {

serving_loop::serving_loop(detail::worker_core& core, detail::hosted_service& service, const node_memory& memory,
                           const std::vector<cpu_id>& home_cpus, idle_plan idle)
    : core_(core), service_(service), memory_(memory), home_cpus_(home_cpus), idle_(idle), marked_(core.ready.words()) {}

void serving_loop::run() noexcept {
    while (const auto served = turn()) {
        if (*served == 0) { rest(); }
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
    std::size_t served = 0;
    for (const auto& l : core_.lanes) { served += service_.serve(*l, core_.serving); }
    return finish(served);
}

/// One batch of each lane that has work; a full batch may have left some.
std::size_t serving_loop::sweep_marked() noexcept {
    if (!core_.ready.collect(marked_, core_.bell)) { return 0; }
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

/// Replies of a sweep go back together.
std::size_t serving_loop::finish(std::size_t served) noexcept {
    if (served == 0) { return 0; }
    // Figures first: whoever has a reply finds them counted.
    core_.serving.busy_since.store(0, std::memory_order_relaxed);
    core_.batches.add();
    core_.memory_used.store(memory_.used().value, std::memory_order_relaxed);
    sample_cpu();
    core_.replies_ready();
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

void serving_loop::rest() noexcept {
    switch (idle_.strategy) {
        case idle_strategy::busy_spin: return detail::cpu_relax();
        case idle_strategy::spin_then_park:
            if (spin()) { return; }
            break;
        case idle_strategy::park: break;
        case idle_strategy::caller_drives: return;  // it sleeps as its caller likes
    }
    // [wake-1] is in prepare(): announce the sleep, then look once more, then sleep.
    // A sleep counts from its announcement: a producer may ring in between, and then it ends before it began.
    core_.parks.add();
    core_.bell.prepare();
    if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return core_.bell.cancel(); }
    core_.bell.park();
}

/// True as soon as there is work, false when the budget is used up.
bool serving_loop::spin() noexcept {
    using clock = std::chrono::steady_clock;
    constexpr int looks_per_clock_read = 32;
    const auto until = clock::now() + idle_.spin;
    do {
        for (int i = 0; i < looks_per_clock_read; ++i) {
            if (core_.ready.any() || core_.closing.load(std::memory_order_relaxed)) { return true; }
            detail::cpu_relax();
        }
    } while (clock::now() < until);
    return false;
}

}  // namespace numasio::hot_path
