// The plan's words and look-ups.
#include <numasio/plan.hpp>

#include <algorithm>

namespace numasio {
namespace {

template <class Entry>
const Entry* by_name(const std::vector<Entry>& entries, std::string_view name) noexcept {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
    return found == entries.end() ? nullptr : &*found;
}

}  // namespace

const pool_plan* plan::find_pool(std::string_view name) const noexcept { return by_name(pools, name); }

const listener_plan* plan::find_listener(std::string_view name) const noexcept { return by_name(listeners, name); }

std::string_view to_string(run_mode run) noexcept {
    switch (run) {
        case run_mode::service: return "service";
        case run_mode::tasks: return "tasks";
        case run_mode::reactor: return "reactor";
    }
    return "unknown";
}

std::string_view to_string(memory_policy policy) noexcept {
    switch (policy) {
        case memory_policy::bind: return "bind";
        case memory_policy::preferred: return "preferred";
        case memory_policy::local: return "local";
        case memory_policy::preferred_many: return "preferred_many";
        case memory_policy::interleave: return "interleave";
        case memory_policy::weighted_interleave: return "weighted_interleave";
    }
    return "unknown";
}

std::string_view to_string(page_kind pages) noexcept {
    switch (pages) {
        case page_kind::base: return "4KiB";
        case page_kind::transparent: return "transparent";
        case page_kind::huge_2mib: return "2MiB";
        case page_kind::huge_1gib: return "1GiB";
    }
    return "unknown";
}

std::string_view to_string(enforcement enforce) noexcept {
    switch (enforce) {
        case enforcement::strict: return "strict";
        case enforcement::best_effort: return "best_effort";
    }
    return "unknown";
}

std::string_view to_string(idle_strategy strategy) noexcept {
    switch (strategy) {
        case idle_strategy::busy_spin: return "busy_spin";
        case idle_strategy::spin_then_park: return "spin_then_park";
        case idle_strategy::park: return "park";
        case idle_strategy::caller_drives: return "caller_drives";
    }
    return "unknown";
}

std::string_view to_string(when_full full) noexcept {
    switch (full) {
        case when_full::reject: return "reject";
        case when_full::wait: return "wait";
        case when_full::drop_oldest: return "drop_oldest";
        case when_full::shed: return "shed";
    }
    return "unknown";
}

std::string_view to_string(pool_front front) noexcept {
    switch (front) {
        case pool_front::lanes: return "lanes";
        case pool_front::reactor: return "reactor";
    }
    return "unknown";
}

std::string_view to_string(task_order order) noexcept {
    switch (order) {
        case task_order::oldest_first: return "oldest_first";
        case task_order::newest_first: return "newest_first";
    }
    return "unknown";
}

std::string_view to_string(steal_scope scope) noexcept {
    switch (scope) {
        case steal_scope::node: return "node";
        case steal_scope::package: return "package";
        case steal_scope::any: return "any";
    }
    return "unknown";
}

}  // namespace numasio
