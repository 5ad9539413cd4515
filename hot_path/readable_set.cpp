// An epoll instance or an io_uring, as one descriptor in Asio's epoll instance.
#include <numasio/readable_set.hpp>

#include "src/platform/edge_set.hpp"

#include <numasio/detail/reactor_core.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <utility>

namespace numasio {
namespace {

constexpr std::size_t one_look = 64;  // about as many are told before others of the thread have their turn

}  // namespace

/// Where Asio keeps the wait: to wait anew, behind what was told, cannot fail for want of memory.
struct readable_set::wait_memory {
    template <class T>
    struct allocator {
        using value_type = T;
        explicit allocator(std::shared_ptr<wait_memory> from) noexcept : of(std::move(from)) {}
        template <class U>
        allocator(const allocator<U>& other) noexcept : of(other.of) {}
        T* allocate(std::size_t) noexcept {
            static_assert(sizeof(T) <= sizeof bytes && alignof(T) <= alignof(std::max_align_t));
            of->taken.store(true, std::memory_order_relaxed);
            return reinterpret_cast<T*>(of->bytes.data());
        }
        // [wait-1] Pairs with [wait-2]: with a strand, the thread that ends a wait is not always the one that begins the next.
        void deallocate(T*, std::size_t) noexcept { of->taken.store(false, std::memory_order_release); }
        template <class U>
        bool operator==(const allocator<U>& other) const noexcept { return of == other.of; }
        std::shared_ptr<wait_memory> of;
    };
    alignas(std::max_align_t) std::array<std::byte, 256> bytes;
    std::atomic<bool> taken{false};  ///< Asio waits
};

readable_set::readable_set(const boost::asio::any_io_executor& executor, told on_readable, poll_backend wanted)
    : set_(executor), on_readable_(std::move(on_readable)), wait_(std::make_shared<wait_memory>()) {
    error_code ec;
    if (wanted == poll_backend::io_uring) {
        const auto* worker = detail::reactor_of_this_thread;
        edges_ = platform::make_uring_set(worker != nullptr && &*worker->inner == &executor.context(), ec);
        if (edges_) { backend_ = poll_backend::io_uring; }
    }
    if (!edges_) { edges_ = platform::make_epoll_set(ec); }
    if (!edges_) { throw boost::system::system_error(ec, "an epoll instance for a readable_set"); }
    owed_.reserve(one_look);
    again_.reserve(one_look);  // they change places
    set_.assign(edges_->descriptor());
}

readable_set::~readable_set() { set_.release(); }

error_code readable_set::add(int socket, std::uint64_t id) {
    if (const auto ec = edges_->watch(socket, id)) { return ec; }
    ++members_;
    await();
    return {};
}

void readable_set::remove(int socket) {
    if (edges_->forget(socket) && --members_ == 0) { set_.cancel(); }
    if (edges_->owes()) { await(); }
}

void readable_set::tell_again(std::uint64_t id) {
    again_.push_back({id, false});
    if (posted_) { return; }
    try {
        boost::asio::post(set_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) { return; }
            posted_ = false;
            turn([this] {
                tell_owed();
                owed_.swap(again_);
                tell_owed();
            });
        });
    } catch (...) {
        again_.pop_back();
        throw;
    }
    posted_ = true;
}

/// What the kernel has handed over it does not hand over again: behind one whose telling throws the rest stays, for a turn that needs no memory to come.
template <class Work>
void readable_set::turn(Work work) {
    try {
        work();
    } catch (...) {
        await();
        throw;
    }
    await();
}

void readable_set::tell_owed() {
    while (owes()) {
        const auto one = owed_[next_++];
        on_readable_(one.id, one.all);
    }
    owed_.clear();
    next_ = 0;
}

void readable_set::await() {
    // [wait-2] Pairs with [wait-1].
    const bool owing = owes() || edges_->owes();
    if ((members_ != 0 || owing) && !wait_->taken.load(std::memory_order_acquire)) {
        auto ready = [this, alive = std::weak_ptr(alive_)](const error_code& ec) {
            if (alive.expired()) { return; }
            turn([this, ec] {
                tell_owed();
                if (!ec || edges_->owes()) { look(); }
            });
        };
        set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, boost::asio::bind_allocator(wait_memory::allocator<char>(wait_), std::move(ready)));
    }
    if (owing) { set_.cancel(); }  // the wait ends, with a turn
}

/// More has come, often, while what there was is served: then that takes one system call, and not a wait.
void readable_set::look() {
    std::array<platform::edge, one_look> found;
    for (std::size_t seen = 0; seen < found.size();) {
        const auto n = edges_->take(found);
        if (n == 0) { return; }
        seen += n;
        for (const auto& one : std::span(found).first(n)) { owed_.push_back({one.id, one.all}); }
        tell_owed();
    }
}

}  // namespace numasio
