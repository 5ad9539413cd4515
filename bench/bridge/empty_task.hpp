// The empty task of the one-way figures: 16 bytes, a function and its argument; it counts itself.
#pragma once

#include <bench/peers/pinned.hpp>

#include <atomic>
#include <cstdint>

namespace numasio::bench {

/// Written by the worker alone.
struct task_count {
    alignas(64) std::atomic<std::uint64_t> ran{0};

    void one() noexcept { ran.store(ran.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
    void wait_for(std::uint64_t count) const noexcept {
        for (backoff idle; ran.load(std::memory_order_acquire) != count;) { idle.wait(); }
    }
};

struct empty_task {
    void (*function)(void*) = nullptr;
    void* argument = nullptr;

    explicit empty_task(task_count& to) noexcept
        : function([](void* count) { static_cast<task_count*>(count)->one(); }), argument(&to) {}
    empty_task() = default;
    void operator()() const { function(argument); }
};
static_assert(sizeof(empty_task) == 16);

}  // namespace numasio::bench
