// Streams of messages from one or several threads to one: our rings and their peers behind one interface for bench_threads.
#pragma once

#include "our_rings.hpp"
#include "queues.hpp"

#include <bench/peers/pinned.hpp>
#include <bench/peers/rust_peers.hpp>

#include <deque>
#include <string>
#include <vector>

namespace numasio::bench {

constexpr std::size_t stream_capacity = 1024;
constexpr std::size_t stream_batch = 64;

struct stream {
    virtual ~stream() = default;
    /// On producer `producer`'s thread: first … first+count-1, waiting while the queue is full.
    virtual void send(std::size_t producer, std::uint64_t first, std::uint64_t count) = 0;
    /// On the consumer's thread; returns the sum of the sequence numbers.
    virtual std::uint64_t receive(std::uint64_t count) = 0;
};

/// One message at a time by push, whatever the queue.
template <class Queue, class T>
void send_one_by_one(Queue& queue, std::uint64_t first, std::uint64_t count) {
    T m;
    for (auto i = first; i < first + count; ++i) {
        m.sequence = i;
        keep(m);
        for (backoff full; !queue.push(m);) { full.wait(); }
    }
}

template <class Queue, class T>
void send_batches(Queue& queue, std::uint64_t first, std::uint64_t count) {
    std::vector<T> some(stream_batch);
    for (std::uint64_t sent = 0; sent < count;) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(stream_batch, count - sent));
        for (std::size_t i = 0; i < n; ++i) { some[i].sequence = first + sent + i; }
        keep(some[0]);
        backoff full;
        for (std::size_t done = 0; done < n;) {
            const auto in = queue.push_batch({some.data() + done, n - done});
            if (in == 0) { full.wait(); }
            done += in;
        }
        sent += n;
    }
}

template <class Queue, class T>
class one_by_one_stream final : public stream {
public:
    explicit one_by_one_stream(std::size_t) {}
    void send(std::size_t, std::uint64_t first, std::uint64_t count) override {
        send_one_by_one<Queue, T>(queue_, first, count);
    }
    std::uint64_t receive(std::uint64_t count) override {
        std::uint64_t sum = 0;
        T out;
        for (std::uint64_t i = 0; i < count; ++i) {
            for (backoff empty; !queue_.pop(out);) { empty.wait(); }
            keep(out);
            sum += out.sequence;
        }
        return sum;
    }

private:
    Queue queue_{stream_capacity};
};

/// A queue for each producer; the consumer takes what is there, by up to 64 at a time and in place where the queue can.
template <class Queue, class T, bool Batches>
class drained_stream final : public stream {
public:
    explicit drained_stream(std::size_t producers) {
        for (std::size_t i = 0; i < producers; ++i) { queues_.emplace_back(stream_capacity); }
    }
    void send(std::size_t producer, std::uint64_t first, std::uint64_t count) override {
        if constexpr (Batches) {
            send_batches<Queue, T>(queues_[producer], first, count);
        } else {
            send_one_by_one<Queue, T>(queues_[producer], first, count);
        }
    }
    std::uint64_t receive(std::uint64_t count) override {
        std::uint64_t sum = 0;
        backoff empty;
        for (std::uint64_t got = 0; got < count;) {
            std::size_t n = 0;
            for (auto& queue : queues_) {
                n += queue.consume([&sum](T& m) {
                    keep(m);
                    sum += m.sequence;
                }, stream_batch);
            }
            n == 0 ? empty.wait() : void(empty = {});
            got += n;
        }
        return sum;
    }

private:
    std::deque<Queue> queues_;
};

#ifdef NUMASIO_HAS_MOODYCAMEL
/// One queue with a token for each producer.
template <class T>
class moodycamel_stream final : public stream {
public:
    explicit moodycamel_stream(std::size_t producers) : queue_(stream_capacity, producers, 0), from_(queue_) {
        for (std::size_t i = 0; i < producers; ++i) { to_.emplace_back(queue_); }
    }
    void send(std::size_t producer, std::uint64_t first, std::uint64_t count) override {
        T m;
        for (auto i = first; i < first + count; ++i) {
            m.sequence = i;
            keep(m);
            for (backoff full; !queue_.enqueue(to_[producer], m);) { full.wait(); }
        }
    }
    std::uint64_t receive(std::uint64_t count) override {
        std::uint64_t sum = 0;
        T out;
        for (std::uint64_t i = 0; i < count; ++i) {
            for (backoff empty; !queue_.try_dequeue(from_, out);) { empty.wait(); }
            keep(out);
            sum += out.sequence;
        }
        return sum;
    }

private:
    moodycamel::ConcurrentQueue<T, moodycamel_traits> queue_;
    std::deque<moodycamel::ProducerToken> to_;
    moodycamel::ConsumerToken from_;
};
#endif

#ifdef NUMASIO_HAS_TBB
template <class T>
class tbb_blocking_stream final : public stream {
public:
    explicit tbb_blocking_stream(std::size_t) { queue_.set_capacity(stream_capacity); }
    void send(std::size_t, std::uint64_t first, std::uint64_t count) override {
        T m;
        for (auto i = first; i < first + count; ++i) {
            m.sequence = i;
            keep(m);
            queue_.push(m);
        }
    }
    std::uint64_t receive(std::uint64_t count) override {
        std::uint64_t sum = 0;
        T out;
        for (std::uint64_t i = 0; i < count; ++i) {
            queue_.pop(out);
            keep(out);
            sum += out.sequence;
        }
        return sum;
    }

private:
    oneapi::tbb::concurrent_bounded_queue<T> queue_;
};
#endif

#ifdef NUMASIO_HAS_RUST
template <class T, bool Spin>
class crossbeam_stream final : public stream {
public:
    explicit crossbeam_stream(std::size_t) : channel_(peer_crossbeam_new(sizeof(T), stream_capacity)) {}
    crossbeam_stream(const crossbeam_stream&) = delete;
    crossbeam_stream& operator=(const crossbeam_stream&) = delete;
    ~crossbeam_stream() override { peer_channel_free(channel_); }
    void send(std::size_t, std::uint64_t first, std::uint64_t count) override {
        peer_channel_send(channel_, first, count, Spin);
    }
    std::uint64_t receive(std::uint64_t count) override { return peer_channel_receive(channel_, count, Spin); }

private:
    peer_channel* channel_;
};
#endif

}  // namespace numasio::bench
