// What a foreign_ptr points to: the pointer that it keeps, the executor of its owner, and the memory of the way back there.
#pragma once

#include <numasio/detail/task_executor.hpp>
#include <numasio/detail/tracked_executor.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace numasio::detail {

/// Memory for what an executor allocates on the way back. Ends with the last that holds it: the object, and each piece of memory that was taken.
class way_back {
public:
    way_back() noexcept = default;
    way_back(const way_back&) = delete;
    way_back& operator=(const way_back&) = delete;
    virtual ~way_back() = default;

    /// Fails: std::bad_alloc where more is asked for than is reserved.
    void* take(std::size_t size, std::size_t alignment) {
        if (alignment <= alignof(std::max_align_t)) {
            const auto rounded = (size + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
            const auto at = used_.fetch_add(rounded, std::memory_order_relaxed);
            if (at + rounded <= sizeof reserved_) {
                holds_.fetch_add(1, std::memory_order_relaxed);
                return reserved_ + at;
            }
        }
        return ::operator new(size, std::align_val_t(alignment));
    }
    void give_back(void* block, std::size_t alignment) noexcept {
        const auto* const at = static_cast<std::byte*>(block);
        // Compared as numbers: the block may be of another array.
        const auto from = reinterpret_cast<std::uintptr_t>(reserved_);
        const auto place = reinterpret_cast<std::uintptr_t>(at);
        if (place >= from && place < from + sizeof reserved_) { return let_go(); }
        ::operator delete(block, std::align_val_t(alignment));
    }

protected:
    void let_go() noexcept {
        if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) { delete this; }
    }

private:
    // io_context, thread_pool and node_pool take 64 bytes, a strand on one of them up to 144; the rest is for other executors.
    static constexpr std::size_t most = 256;
    std::atomic<std::uint32_t> holds_{1};  // the object's
    std::atomic<std::size_t> used_{0};
    alignas(std::max_align_t) std::byte reserved_[most];
};

template <class T>
struct way_back_allocator {
    using value_type = T;
    way_back* from;

    explicit way_back_allocator(way_back& memory) noexcept : from(&memory) {}
    template <class U>
    way_back_allocator(const way_back_allocator<U>& other) noexcept : from(other.from) {}
    T* allocate(std::size_t n) { return static_cast<T*>(from->take(n * sizeof(T), alignof(T))); }
    void deallocate(T* block, std::size_t) noexcept { from->give_back(block, alignof(T)); }
    friend bool operator==(const way_back_allocator& a, const way_back_allocator& b) noexcept { return a.from == b.from; }
    friend bool operator!=(const way_back_allocator& a, const way_back_allocator& b) noexcept { return a.from != b.from; }
};

/// False only where the executor can tell, and says that its functions do not run on this thread.
template <class Executor>
bool may_own_here(const Executor& executor) noexcept {
    if constexpr (requires { { executor.running_in_this_thread() } -> std::convertible_to<bool>; }) { return executor.running_in_this_thread(); }
    else { return true; }
}
template <class Allocator, unsigned Bits>
bool may_own_here(const task_executor<Allocator, Bits>& executor) noexcept {
    return executor.is_home_of_this_thread();
}

/// Threads: any; the pointer itself is touched by the owner only. Lifetime: until its last holder has dropped it and its memory is back.
template <class P>
class foreign_block : public way_back {
public:
    void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
    /// The last takes the pointer home.
    void drop() noexcept {
        if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) { send_home(); }
    }
    P& pointer() noexcept { return *pointer_; }
    /// By the last holder, on the owner.
    P take() noexcept {
        P taken(std::move(*pointer_));
        end();
        return taken;
    }
    bool is_alone() const noexcept { return holders_.load(std::memory_order_acquire) == 1; }

    virtual boost::asio::any_io_executor executor() const = 0;
    virtual bool may_be_owner() const noexcept = 0;
    /// On the owner. Fails: std::bad_alloc; what copying throws.
    virtual foreign_block* copy() = 0;

protected:
    explicit foreign_block(P&& pointer) noexcept : pointer_(std::move(pointer)) {}

    /// What the owner's executor runs.
    class last_step {
    public:
        explicit last_step(foreign_block& block) noexcept : block_(&block) {}
        last_step(last_step&& other) noexcept : block_(std::exchange(other.block_, nullptr)), sender_(other.sender_), exceptions_(other.exceptions_) {}
        last_step& operator=(last_step&&) = delete;
        ~last_step() {
            // Destroyed uncalled: with the owner's context, or because it could not be handed over; here is not the owner then, and the object stays as it is.
            if (block_ == nullptr || (std::uncaught_exceptions() > exceptions_ && std::this_thread::get_id() == sender_)) { return; }
            block_->end();
        }
        void operator()() noexcept { std::exchange(block_, nullptr)->end(); }

    private:
        foreign_block* block_;
        std::thread::id sender_ = std::this_thread::get_id();
        int exceptions_ = std::uncaught_exceptions();
    };

private:
    virtual void send_home() noexcept = 0;
    void end() noexcept {
        pointer_.reset();
        this->let_go();
    }

    std::atomic<std::uint32_t> holders_{1};
    std::optional<P> pointer_;
};

template <class P, class Executor>
class foreign_block_of final : public foreign_block<P> {
public:
    foreign_block_of(const Executor& owner, P&& pointer) noexcept : foreign_block<P>(std::move(pointer)), owner_(owner) {}
    boost::asio::any_io_executor executor() const override { return owner_; }
    bool may_be_owner() const noexcept override { return may_own_here(owner_); }
    foreign_block<P>* copy() override {
        if constexpr (std::copy_constructible<P>) { return new foreign_block_of(owner_, P(this->pointer())); }
        else { return nullptr; }  // nobody asks: foreign_ptr::async_copy() is not there
    }

private:
    void send_home() noexcept override {
        try {
            auto owner = owner_;  // the block may be gone before execute() returns
            hand_over(owner, way_back_allocator<std::byte>(*this), typename foreign_block<P>::last_step(*this));
        } catch (...) {
            // An executor without the allocator property, and no memory: see ~foreign_ptr().
        }
    }

    Executor owner_;
};

/// An any_io_executor hides the property by which memory is reserved: those that are known are taken out of it.
/// Fails: std::bad_alloc, and then `pointer` is untouched.
template <class Executor, class P>
foreign_block<P>* make_foreign_block(const Executor& owner, P&& pointer) {
    using in_pool = task_executor<std::allocator<void>, 0>;
    using in_context = boost::asio::io_context::executor_type;
    if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>) {
        if (const auto* known = owner.template target<in_pool>()) { return new foreign_block_of<P, in_pool>(*known, std::move(pointer)); }
        if (const auto* known = owner.template target<in_context>()) { return new foreign_block_of<P, in_context>(*known, std::move(pointer)); }
    }
    return new foreign_block_of<P, Executor>(owner, std::move(pointer));
}

}  // namespace numasio::detail
