// An owner that may travel to any thread, of an object that must be destroyed where it lives.
#pragma once

#include <numasio/detail/foreign_block.hpp>
#include <numasio/errc.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace numasio {

/// Keeps a pointer P (unique_ptr, local_ptr, shared_ptr, whatever owns and has get()) whose object lives on its owner: the threads on which an executor runs its
/// functions, as a worker (node_pool::on(worker), here()), a strand, an io_context. It travels, in requests, replies, messages; the object does not: wherever
/// the foreign_ptr ends, P is destroyed on the owner, and only there is it copied.
/// What may be looked at: on the owner everything. Elsewhere what nobody changes meanwhile, by get(), * and ->: the foreign_ptr keeps the object alive, it does not
/// lock it. P itself, a local_ptr with its plain count above all, is never touched elsewhere but moved.
/// Thread safety: distinct objects safe, also of one shared or local pointer; shared objects unsafe.
/// Lifetime: the owner's execution context outlives it. Where that never runs again (a node_pool after stop()), P is destroyed with the context, by who destroys it.
template <class P>
class foreign_ptr {
public:
    using element_type = typename std::pointer_traits<P>::element_type;

    /// Empty.
    foreign_ptr() noexcept = default;
    foreign_ptr(std::nullptr_t) noexcept {}
    foreign_ptr(foreign_ptr&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    foreign_ptr& operator=(foreign_ptr&& other) noexcept {
        foreign_ptr moved(std::move(other));
        swap(moved);
        return *this;
    }
    /// P is destroyed on the owner: here and now where its executor may call a function at once, else by a function that is posted there.
    /// Threads: any. Blocks: never; P's destructor on the owner. Fails: never. Cost: a post. Its memory was reserved by make_foreign(), and a node_pool never refuses it.
    /// This holds of io_context, thread_pool, node_pool, strands on them, and of any_io_executor around a node_pool's or an io_context's. Any other executor that
    /// ignores Asio's allocator property takes its memory now, and where there is none, or its execute() throws, the object is never destroyed: better than elsewhere.
    ~foreign_ptr() {
        if (block_ != nullptr) { block_->drop(); }
    }

    /// Threads: any, see above. Blocks: never. Fails: never; null where empty. Cost: two loads.
    element_type* get() const noexcept { return block_ == nullptr ? nullptr : std::to_address(block_->pointer().get()); }
    std::add_lvalue_reference_t<element_type> operator*() const noexcept { return *get(); }
    element_type* operator->() const noexcept { return get(); }
    explicit operator bool() const noexcept { return get() != nullptr; }

    /// Threads: any. Blocks: never. Fails: never; an empty executor where this is empty.
    boost::asio::any_io_executor get_owner_executor() const {
        return block_ == nullptr ? boost::asio::any_io_executor() : block_->executor();
    }

    /// The pointer, which is its owner's own again; this is empty then.
    /// Threads: the owner's. Blocks: never. Fails: throws system_error(errc::not_the_owner) where the executor can tell that this thread is none of its; and while an
    /// async_copy() is under way. Cost: the reserved memory goes.
    P release() {
        if (block_ == nullptr) { return P(); }
        if (!block_->may_be_owner() || !block_->is_alone()) { throw boost::system::system_error(errc::not_the_owner, "foreign_ptr::release()"); }
        return std::exchange(block_, nullptr)->take();
    }
    /// As the destructor; empty then.
    void reset() noexcept { foreign_ptr().swap(*this); }
    void swap(foreign_ptr& other) noexcept { std::swap(block_, other.block_); }
    friend void swap(foreign_ptr& a, foreign_ptr& b) noexcept { a.swap(b); }

    /// Another foreign_ptr of the same object, from a copy of P that is made on the owner. Signature: void(std::exception_ptr, foreign_ptr). Not of an empty one.
    /// Threads: any. Blocks: never. Fails: by the handler: std::bad_alloc, what copying P throws; throws std::bad_alloc where nothing was begun.
    /// Cost: a post to the owner, and the handler's; an allocation. Lifetime: this may end or move meanwhile, the object stays. The handler runs on its associated executor,
    /// by default the owner's; where the owner's context never runs again, it is destroyed uninvoked with that.
    template <boost::asio::completion_token_for<void(std::exception_ptr, foreign_ptr)> CompletionToken>
        requires std::copy_constructible<P>
    auto async_copy(CompletionToken&& token) const {
        return boost::asio::async_initiate<CompletionToken, void(std::exception_ptr, foreign_ptr)>(
            [](auto handler, foreign_ptr original) {
                const boost::asio::any_io_executor owner = original.get_owner_executor();
                auto memory = boost::asio::get_associated_allocator(handler);
                detail::tracked_executor to(boost::asio::get_associated_executor(handler, owner));
                detail::hand_over_later(owner, memory, [from = std::move(original), h = std::move(handler), back = std::move(to)]() mutable {
                    foreign_ptr made;
                    std::exception_ptr failed;
                    try {
                        made = foreign_ptr(from.block_->copy());
                    } catch (...) {
                        failed = std::current_exception();
                    }
                    from.reset();
                    const auto where = boost::asio::get_associated_allocator(h);
                    detail::hand_over(back.get(), where, [f = std::move(h), failed, m = std::move(made)]() mutable { std::move(f)(failed, std::move(m)); });
                });
            },
            token, again());
    }

private:
    template <class Executor, class Q>
    friend foreign_ptr<Q> make_foreign(const Executor& owner, Q&& pointer);

    explicit foreign_ptr(detail::foreign_block<P>* block) noexcept : block_(block) {}
    /// A second holder of the same P.
    foreign_ptr again() const noexcept {
        block_->hold();
        return foreign_ptr(block_);
    }

    detail::foreign_block<P>* block_ = nullptr;
};

/// Threads: the owner's, with a P that can be used there only; any, with one that can be moved anywhere. Blocks: never. Cost: an allocation of some 320 bytes: all that it takes to
/// bring P back. Fails: throws std::bad_alloc, and then `pointer` is what it was.
template <class Executor, class P>
foreign_ptr<P> make_foreign(const Executor& owner, P&& pointer) {
    static_assert(!std::is_reference_v<P> && std::is_nothrow_move_constructible_v<P>, "a foreign_ptr takes the pointer over: std::move() it");
    static_assert(boost::asio::execution::is_executor<Executor>::value, "the owner is told by an executor");
    return foreign_ptr<P>(detail::make_foreign_block<Executor, P>(owner, std::move(pointer)));
}

}  // namespace numasio
