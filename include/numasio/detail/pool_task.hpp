// A task of a node_pool: its links, what it is, and the function that waits to be called.
#pragma once

#include <numasio/detail/task_blocks.hpp>

#include <boost/asio/detail/bind_handler.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace numasio::detail {

struct pool_task;

/// What all tasks of one function type have in common.
struct task_kind {
    /// Frees the task's memory, then calls the function, or destroys it uncalled. The function may throw.
    void (*end)(pool_task* self, bool call);
    const std::type_info* function;
    const char* name;  ///< or null
};

/// The function that a user gave to asio::post(), which wraps it.
template <class Function>
struct given_function {
    using type = Function;
};
template <class Function>
struct given_function<boost::asio::detail::binder0<Function>> {
    using type = Function;
};
template <class Function>
constexpr task_kind kind_of(void (*end)(pool_task*, bool)) noexcept {
    using given = typename given_function<Function>::type;
    if constexpr (requires { { given::task_name } -> std::convertible_to<const char*>; }) {
        return {end, &typeid(given), given::task_name};
    } else {
        return {end, &typeid(given), nullptr};
    }
}

struct pool_task {
    pool_task* next = nullptr;  // in a list of tasks that found their queue full
    const task_kind* kind = nullptr;
    block_origin origin{};
};

template <class Function, class Allocator>
struct task_of final : pool_task {
    template <class F>
    task_of(F&& f, const Allocator& a) : allocator(a), function(std::forward<F>(f)) {}

    [[no_unique_address]] Allocator allocator;
    Function function;

    static void end_task(pool_task* self, bool call) {
        auto* task = static_cast<task_of*>(self);
        using traits = typename std::allocator_traits<Allocator>::template rebind_traits<task_of>;
        typename traits::allocator_type memory(task->allocator);
        // A function that is called moves out first, so that what it posts finds the memory free.
        struct memory_freed {
            typename traits::allocator_type& memory;
            task_of* task;
            ~memory_freed() {
                task->~task_of();
                traits::deallocate(memory, task, 1);
            }
        };
        if (!call) {
            const memory_freed end{memory, task};
            return;
        }
        auto function = [&] {
            const memory_freed end{memory, task};
            return std::move(task->function);
        }();
        std::move(function)();
    }
    static constexpr task_kind kind_of_this = kind_of<Function>(&end_task);
};

/// With the memory that threads keep for tasks.
template <class Function>
struct task_of<Function, std::allocator<void>> final : pool_task {
    template <class F>
    explicit task_of(F&& f) : function(std::forward<F>(f)) {}

    Function function;

    static void end_task(pool_task* self, bool call) {
        auto* task = static_cast<task_of*>(self);
        struct memory_freed {
            task_of* task;
            ~memory_freed() {
                const auto origin = task->origin;
                task->~task_of();
                give_block<sizeof(task_of), alignof(task_of)>(task, origin);
            }
        };
        if (!call) {
            const memory_freed end{task};
            return;
        }
        auto function = [&] {
            const memory_freed end{task};
            return std::move(task->function);
        }();
        std::move(function)();
    }
    static constexpr task_kind kind_of_this = kind_of<Function>(&end_task);
};

/// Fails: std::bad_alloc; what moving the function throws.
template <class Function, class Allocator, class F>
pool_task* make_task(F&& f, const Allocator& allocator) {
    using of_its_own = std::allocator<void>;
    if constexpr (std::is_same_v<Allocator, of_its_own>) {
        using task = task_of<Function, of_its_own>;
        block_origin origin;
        void* const block = take_block<sizeof(task), alignof(task)>(origin);
        task* made = nullptr;
        try {
            made = new (block) task(std::forward<F>(f));
        } catch (...) {
            give_block<sizeof(task), alignof(task)>(block, origin);
            throw;
        }
        made->kind = &task::kind_of_this;
        made->origin = origin;
        return made;
    } else {
        using task = task_of<Function, Allocator>;
        using traits = typename std::allocator_traits<Allocator>::template rebind_traits<task>;
        typename traits::allocator_type memory(allocator);
        auto* const block = traits::allocate(memory, 1);
        try {
            new (block) task(std::forward<F>(f), allocator);
        } catch (...) {
            traits::deallocate(memory, block, 1);
            throw;
        }
        block->kind = &task::kind_of_this;
        return block;
    }
}

}  // namespace numasio::detail
