// Posts a worker's drain operation to a concrete executor, in memory that is reserved once.
#pragma once

#include <numasio/detail/function_in_memory.hpp>
#include <numasio/detail/worker_core.hpp>

#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <new>
#include <utility>

namespace numasio::detail {

/// One block, for the one operation that is pending at a time; falls back to the heap if Asio asks for more.
/// Threads: whoever posts, then whoever runs the operation; handed over with the operation.
class operation_block {
public:
    void* allocate(std::size_t size) {
        if (in_use_ || size > sizeof(memory_)) { return ::operator new(size); }
        in_use_ = true;
        return memory_;
    }
    void deallocate(void* block) noexcept {
        if (block == memory_) { in_use_ = false; }
        else { ::operator delete(block); }
    }

private:
    alignas(std::max_align_t) std::byte memory_[256];
    bool in_use_ = false;
};

template <class T>
class operation_allocator {
public:
    using value_type = T;
    explicit operation_allocator(operation_block& block) noexcept : block_(&block) {}
    template <class U>
    operation_allocator(const operation_allocator<U>& other) noexcept : block_(other.block_) {}

    T* allocate(std::size_t n) { return static_cast<T*>(block_->allocate(n * sizeof(T))); }
    void deallocate(T* block, std::size_t) noexcept { block_->deallocate(block); }
    friend bool operator==(const operation_allocator& a, const operation_allocator& b) noexcept {
        return a.block_ == b.block_;
    }

private:
    template <class U>
    friend class operation_allocator;
    operation_block* block_;
};

/// The executor stays concrete: through any_io_executor Asio would not use our allocator.
template <class Executor>
class reply_poster_for final : public reply_poster {
public:
    explicit reply_poster_for(const Executor& executor) : executor_(executor) {}
    void post(drain_operation operation) noexcept override {
        boost::asio::post(executor_, function_in_memory(operation_allocator<std::byte>(block_), std::move(operation)));
    }

    void post_again(drain_operation operation) noexcept override {
        boost::asio::defer(executor_, function_in_memory(operation_allocator<std::byte>(block_), std::move(operation)));
    }

private:
    Executor executor_;
    operation_block block_;
};

}  // namespace numasio::detail
