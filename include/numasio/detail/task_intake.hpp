// How tasks of other threads reach a node, or a worker of a task or reactor pool: its bounded inbox, and behind it a list for what may not be refused.
#pragma once

#include <numasio/detail/atomics.hpp>
#include <numasio/detail/pool_task.hpp>
#include <numasio/detail/task_inbox.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>

namespace numasio::detail {

/// First come, first served. `Task` has a `next`. Threads: any. Blocks: for a lock where the inbox is full, or was and has not been emptied since.
template <class Atomics, class Task, class Mutex>
class basic_task_intake {
    using link = typename Atomics::template plain<Task*>;

public:
    /// `capacity`: a power of two. Fails: std::bad_alloc. Lifetime: `memory` outlives it.
    explicit basic_task_intake(std::uint32_t capacity, std::pmr::memory_resource& memory = *std::pmr::new_delete_resource()) : inbox_(capacity, memory) {}
    /// What it takes of its memory.
    static constexpr std::size_t bytes_for(std::uint32_t capacity) noexcept { return basic_task_inbox<Atomics, Task>::bytes_for(capacity); }

    /// False: full, and nothing has happened; never where the task is not `refusable`.
    bool push(Task* task, bool refusable) noexcept {
        // Behind those that wait in the list, so that a thread's tasks keep their order.
        if (listed_.load(Atomics::relaxed) == 0 && inbox_.push(task)) { return true; }
        if (refusable) { return false; }
        task->next = nullptr;
        const std::lock_guard lock(mutex_);
        *end_ = task;
        end_ = &task->next;
        listed_.store(listed_.load(Atomics::relaxed) + 1, Atomics::relaxed);
        return true;
    }

    /// Calls `use(Task*)` for up to `most`; returns how many.
    template <class Use>
    std::size_t take(std::size_t most, Use&& use) noexcept {
        auto n = inbox_.take(most, use);
        if (n == most || listed_.load(Atomics::relaxed) == 0) { return n; }
        Task* taken = nullptr;
        {
            const std::lock_guard lock(mutex_);
            // Whoever listed a task has its older ones in the inbox, perhaps behind a place that is still being filled: they come first.
            if (inbox_.size() != 0) { return n; }
            taken = first_;
            link* last = &first_;
            std::uint32_t moved = 0;
            for (; n < most && *last != nullptr; ++n, ++moved) { last = &static_cast<Task*>(*last)->next; }
            Task* const rest = *last;
            first_ = rest;
            *last = nullptr;
            if (rest == nullptr) { end_ = &first_; }
            if (moved == 0) { taken = nullptr; }
            listed_.store(listed_.load(Atomics::relaxed) - moved, Atomics::relaxed);
        }
        while (taken != nullptr) {
            Task* const task = taken;
            taken = task->next;
            use(task);
        }
        return n;
    }

    std::uint32_t capacity() const noexcept { return inbox_.capacity(); }
    bool has_some() const noexcept { return inbox_.has_some() || listed_.load(Atomics::relaxed) != 0; }
    /// Is there another behind the first, or was there lately?
    bool has_two() const noexcept { return inbox_.has_two() || listed_.load(Atomics::relaxed) != 0; }
    /// About how many there are.
    std::uint32_t size() const noexcept { return inbox_.size() + listed_.load(Atomics::relaxed); }

private:
    basic_task_inbox<Atomics, Task> inbox_;
    typename Atomics::template atomic<std::uint32_t> listed_{0};  // written under the lock
    Mutex mutex_;
    link first_{nullptr};
    link* end_ = &first_;
};

using task_intake = basic_task_intake<std_atomics, pool_task, std::mutex>;

}  // namespace numasio::detail
