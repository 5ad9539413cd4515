// When the workers of a reactor pool leave, and what is destroyed last.
#include "hot_path/reactor_group.hpp"

#include <algorithm>
#include <utility>

namespace numasio::detail {

reactor_group::reactor_group(const std::vector<worker_site>& sites, std::uint32_t capacity) : resting_(sites.size(), false) {
    cores.reserve(sites.size());
    for (const auto& site : sites) { cores.push_back(std::make_unique<reactor_core>(site, capacity, this)); }
}

reactor_group::~reactor_group() {
    // What came after its worker had ended may name other workers, so all of it goes before any core. What its destructors send goes with the next lap.
    const auto destroyed_some = [](const auto& core) { return core->destroy_arrivals() != 0; };
    while (std::count_if(cores.begin(), cores.end(), destroyed_some) != 0) {}
}

reactor_core& reactor_group::least_loaded() noexcept {
    const auto first = next_.fetch_add(1, std::memory_order_relaxed);
    const auto load_of = [](const reactor_core& core) { return std::pair(core.benched.load(std::memory_order_relaxed), core.open.load(std::memory_order_relaxed)); };
    auto* best = cores[first % cores.size()].get();
    for (std::size_t i = 1; i < cores.size(); ++i) {
        auto* const other = cores[(first + i) % cores.size()].get();
        if (load_of(*other) < load_of(*best)) { best = other; }
    }
    return *best;
}

void reactor_group::resize(std::uint32_t workers_per_node) noexcept {
    for (const auto& core : cores) {
        std::uint32_t before = 0;  // on its node
        for (const auto& other : cores) {
            if (other == core) { break; }
            before += other->site.node == core->site.node;
        }
        core->benched.store(before >= std::max<std::uint32_t>(workers_per_node, 1), std::memory_order_relaxed);
    }
}

void reactor_group::note_failure(const std::exception_ptr& what) noexcept {
    try {
        const std::lock_guard lock(failure_mutex_);
        if (!first_failure_) { first_failure_ = text_of(what); }
    } catch (...) {  // no memory for the text
    }
}

std::string reactor_group::first_failure() const {
    const std::lock_guard lock(failure_mutex_);
    return first_failure_.value_or(std::string());
}

bool reactor_group::rests(std::size_t index) noexcept {
    {
        const std::lock_guard lock(mutex_);
        resting_[index] = true;
        if (over_) { return true; }
        if (!nothing_is_left()) { return false; }
        over_ = true;
    }
    for (const auto& core : cores) { core->ring(); }
    return true;
}

bool reactor_group::goes_on(std::size_t index) noexcept {
    const std::lock_guard lock(mutex_);
    resting_[index] = false;
    return !over_;
}

bool reactor_group::nothing_is_left() const noexcept {
    // All of them rest: nobody takes anything before it has this lock, and what one has sent to another before it came to rest is seen here,
    // by the count: in an inbox a thread that stopped half way hides what comes behind it.
    if (std::find(resting_.begin(), resting_.end(), false) != resting_.end()) { return false; }
    return std::all_of(cores.begin(), cores.end(), [](const auto& core) { return core->work() == 0 && core->queued() == 0; });
}

}  // namespace numasio::detail
