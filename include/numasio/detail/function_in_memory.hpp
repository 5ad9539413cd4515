// A function and the memory that an executor keeps it in.
#pragma once

#include <utility>

namespace numasio::detail {

/// For post(), defer() and dispatch() to an executor that is named there. bind_allocator()'s function looks to Asio as if it had an executor of its own: work is
/// counted for that, and the function is dispatched to it once more.
template <class Function, class Allocator>
class function_in_memory {
public:
    using allocator_type = Allocator;

    function_in_memory(const Allocator& memory, Function function) : memory_(memory), function_(std::move(function)) {}
    allocator_type get_allocator() const noexcept { return memory_; }
    void operator()() { std::move(function_)(); }

private:
    [[no_unique_address]] Allocator memory_;
    Function function_;
};

}  // namespace numasio::detail
