// The C++ queues that our rings are compared with, each behind the same few calls: push, pop, and batches where it has them.
#pragma once

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#ifdef NUMASIO_HAS_MOODYCAMEL
#include <concurrentqueue/concurrentqueue.h>
#endif
#ifdef NUMASIO_HAS_TBB
#include <oneapi/tbb/concurrent_queue.h>
#endif

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace numasio::bench {

/// A message of N bytes; its first eight are a sequence number. The Rust side has the same.
template <std::size_t N>
struct message {
    std::uint64_t sequence = 0;
    std::byte rest[N - 8] = {};
};
template <>
struct message<8> {
    std::uint64_t sequence = 0;
};

template <class T>
class boost_spsc {
public:
    explicit boost_spsc(std::size_t capacity) : queue_(capacity) {}
    bool push(const T& m) { return queue_.push(m); }
    bool pop(T& out) { return queue_.pop(out); }
    std::size_t push_batch(std::span<const T> some) { return queue_.push(some.data(), some.size()); }
    /// Whole: the queue has no consume with a limit.
    template <class F>
    std::size_t consume(F f, std::size_t) { return queue_.consume_all(f); }

private:
    boost::lockfree::spsc_queue<T> queue_;
};

/// Many producers, many consumers; fixed size, for trivial types only.
template <class T>
class boost_queue {
public:
    explicit boost_queue(std::size_t capacity) : queue_(capacity) {}
    bool push(const T& m) { return queue_.bounded_push(m); }
    bool pop(T& out) { return queue_.pop(out); }

private:
    boost::lockfree::queue<T> queue_;
};

#ifdef NUMASIO_HAS_MOODYCAMEL
/// Bounded for each producer. Not by try_enqueue and memory taken in advance: a producer keeps the blocks that it once had, and one
/// that runs ahead leaves the others without any for good.
struct moodycamel_traits : moodycamel::ConcurrentQueueDefaultTraits {
    static constexpr std::size_t MAX_SUBQUEUE_SIZE = 1024;  // NOLINT(readability-identifier-naming): moodycamel's name
};

/// With tokens, its fast way. One token for the producing thread.
template <class T>
class moodycamel_queue {
public:
    explicit moodycamel_queue(std::size_t capacity) : queue_(capacity, 1, 0), to_(queue_), from_(queue_) {}
    template <class M>
    bool push(M&& m) { return queue_.enqueue(to_, std::forward<M>(m)); }
    bool pop(T& out) { return queue_.try_dequeue(from_, out); }
    std::size_t push_batch(std::span<const T> some) {
        return queue_.enqueue_bulk(to_, some.data(), some.size()) ? some.size() : 0;
    }
    template <class F>
    std::size_t consume(F f, std::size_t limit) {
        T some[64];
        const auto n = queue_.try_dequeue_bulk(from_, some, limit < 64 ? limit : 64);
        for (std::size_t i = 0; i < n; ++i) { f(some[i]); }
        return n;
    }

private:
    moodycamel::ConcurrentQueue<T, moodycamel_traits> queue_;
    moodycamel::ProducerToken to_;
    moodycamel::ConsumerToken from_;
};
#endif

#ifdef NUMASIO_HAS_TBB
template <class T>
class tbb_queue {
public:
    explicit tbb_queue(std::size_t capacity) { queue_.set_capacity(static_cast<std::ptrdiff_t>(capacity)); }
    template <class M>
    bool push(M&& m) { return queue_.try_push(std::forward<M>(m)); }
    bool pop(T& out) { return queue_.try_pop(out); }

private:
    oneapi::tbb::concurrent_bounded_queue<T> queue_;
};
#endif

/// On one thread only.
template <class T>
class asio_channel {
public:
    explicit asio_channel(std::size_t capacity) : channel_(io_, capacity) {}
    bool push(const T& m) { return channel_.try_send(boost::system::error_code{}, m); }
    bool pop(T& out) {
        return channel_.try_receive([&](boost::system::error_code, T m) { out = std::move(m); });
    }

private:
    boost::asio::io_context io_{1};
    boost::asio::experimental::channel<void(boost::system::error_code, T)> channel_;
};

}  // namespace numasio::bench
