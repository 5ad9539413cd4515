// 1000 messages into a bounded channel of 1000, then 1000 out, on one thread: our rings and their peers, by message size;
// and the same with 32 KB buffers of which only the owner changes. Rust peers are linked in as a static library
// (bench/peers/rust_peers.hpp says why), so that one process alternates them all.
//
// Each round makes each contender's channel anew and fills and drains it once before the clock starts: what is compared is a
// channel in use. With --fresh, making it and touching its memory for the first time is timed too.
#include "our_rings.hpp"
#include "queues.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>
#include <bench/peers/rust_peers.hpp>

#include <numasio/node_buffer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace numasio::bench;

constexpr std::size_t messages = 1000;
constexpr std::uint64_t expected_sum = messages * (messages - 1) / 2;
constexpr std::size_t batch = 64;

/// A channel that can be filled and drained; returns the sum of what came out.
struct subject {
    virtual ~subject() = default;
    virtual std::uint64_t fill_and_drain() = 0;
};

template <class Queue, class T>
class one_by_one final : public subject {
public:
    std::uint64_t fill_and_drain() override {
        for (std::size_t i = 0; i < messages; ++i) {
            in_.sequence = i;
            keep(in_);
            if (!queue_.push(in_)) { give_up(1, "a channel of 1000 refused a message before it was full"); }
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < messages && queue_.pop(out_); ++i) {
            keep(out_);
            sum += out_.sequence;
        }
        return sum;
    }

private:
    Queue queue_{messages};
    T in_;
    T out_;
};

/// `AtOnce` in at a time; out without a copy, where the queue hands out what lies in it.
template <class Queue, class T, std::size_t AtOnce>
class in_place final : public subject {
public:
    in_place() : in_(AtOnce) {}
    std::uint64_t fill_and_drain() override {
        for (std::size_t i = 0; i < messages;) {
            const auto some = std::min(AtOnce, messages - i);
            for (std::size_t k = 0; k < some; ++k) { in_[k].sequence = i + k; }
            keep(in_[0]);
            std::size_t n = 0;
            if constexpr (AtOnce == 1) {
                n = queue_.push(in_[0]) ? 1 : 0;
            } else {
                n = queue_.push_batch({in_.data(), some});
            }
            if (n != some) { give_up(1, "a channel of 1000 refused a message before it was full"); }
            i += some;
        }
        std::uint64_t sum = 0;
        for (std::size_t n = 0; n < messages;) {
            n += queue_.consume([&sum](T& m) {
                keep(m);
                sum += m.sequence;
            }, batch);
        }
        return sum;
    }

private:
    Queue queue_{messages};
    std::vector<T> in_;
};

/// Buffers that were allocated before change their owner: the sender's, the channel, the receiver's.
template <class Queue, class Owner>
class by_ownership final : public subject {
public:
    explicit by_ownership(std::vector<Owner> idle) : idle_(std::move(idle)) {}
    std::uint64_t fill_and_drain() override {
        for (std::size_t i = 0; i < messages; ++i) {
            auto buffer = std::move(idle_.back());
            idle_.pop_back();
            buffer->sequence = i;
            if (!queue_.push(std::move(buffer))) { give_up(1, "a channel of 1000 refused a buffer"); }
        }
        std::uint64_t sum = 0;
        Owner buffer;
        for (std::size_t i = 0; i < messages && queue_.pop(buffer); ++i) {
            keep(*buffer);
            sum += buffer->sequence;
            idle_.push_back(std::move(buffer));
        }
        return sum;
    }

private:
    Queue queue_{messages};
    std::vector<Owner> idle_;
};

template <class T>
std::vector<std::unique_ptr<T>> on_the_heap() {
    std::vector<std::unique_ptr<T>> all;
    for (std::size_t i = 0; i < messages; ++i) { all.push_back(std::make_unique<T>()); }
    return all;
}

/// A message in a buffer of the memory of the node that this thread runs on.
template <class T>
struct in_node_buffer {
    numasio::node_buffer buffer;
    T* operator->() const { return std::launder(reinterpret_cast<T*>(buffer.data())); }
    T& operator*() const { return *operator->(); }
};
template <class T>
std::vector<in_node_buffer<T>> in_node_buffers() {
    numasio::region_options here;
    here.policy = numasio::memory_policy::local;
    numasio::node_buffers from(numasio::bytes{(messages + 100) * sizeof(T)}, here);
    std::vector<in_node_buffer<T>> all;
    for (std::size_t i = 0; i < messages; ++i) { new (all.emplace_back(from.take(sizeof(T))).buffer.data()) T; }
    return all;
}

class rust_channel final : public subject {
public:
    explicit rust_channel(peer_channel* channel) : channel_(channel) {}
    rust_channel(const rust_channel&) = delete;
    rust_channel& operator=(const rust_channel&) = delete;
#ifdef NUMASIO_HAS_RUST
    ~rust_channel() override { peer_channel_free(channel_); }
    std::uint64_t fill_and_drain() override { return peer_channel_fill_and_drain(channel_, messages); }
#else
    std::uint64_t fill_and_drain() override { return channel_ != nullptr; }
#endif

private:
    peer_channel* channel_;
};

struct timing {
    int repeats = 1;
    bool fresh = false;
};

/// A contender whose value is the microseconds of one filling and draining.
template <class Make>
contender timed(std::string name, timing how, Make make) {
    const auto once = [name](subject& s) {
        if (s.fill_and_drain() != expected_sum) { give_up(1, name + " lost or changed a message"); }
    };
    const auto measure = [=] {
        auto used = make();
        once(*used);
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < how.repeats; ++i) {
            if (how.fresh) {
                used.reset();
                used = make();
            }
            once(*used);
        }
        return seconds_since(start) / how.repeats * 1e6;
    };
    return {std::move(name), measure};
}

template <class Subject>
contender timed(std::string name, timing how) {
    return timed(std::move(name), how, []() -> std::unique_ptr<subject> { return std::make_unique<Subject>(); });
}

template <class Queue, class Owner>
contender moved(std::string name, timing how, std::vector<Owner> (*make)()) {
    return timed(std::move(name), how, [make]() -> std::unique_ptr<subject> { return std::make_unique<by_ownership<Queue, Owner>>(make()); });
}

contender rust(std::string name, timing how, [[maybe_unused]] std::function<peer_channel*()> make) {
#ifdef NUMASIO_HAS_RUST
    return timed(std::move(name), how,
                 [make]() -> std::unique_ptr<subject> { return std::make_unique<rust_channel>(make()); });
#else
    (void)how;
    return {std::move(name), {}, NUMASIO_NO_RUST};
#endif
}

#ifdef NUMASIO_HAS_RUST
peer_channel* crossbeam(std::size_t bytes) { return peer_crossbeam_new(bytes, messages); }
peer_channel* tokio_mpsc(std::size_t bytes) { return peer_tokio_mpsc_new(bytes, messages); }
peer_channel* crossbeam_boxes() { return peer_crossbeam_boxes_new(messages); }
#else
peer_channel* crossbeam(std::size_t) { return nullptr; }
peer_channel* tokio_mpsc(std::size_t) { return nullptr; }
peer_channel* crossbeam_boxes() { return nullptr; }
#endif

template <std::size_t N>
std::vector<contender> by_copy(timing how) {
    using T = message<N>;
    std::vector<contender> all;
    all.push_back(rust("crossbeam", how, [] { return crossbeam(N); }));
    our_rings::each([&]<template <class> class Ring> {
        all.push_back(timed<one_by_one<Ring<T>, T>>(Ring<T>::name + std::string(", one by one"), how));
        all.push_back(timed<in_place<Ring<T>, T, 1>>(Ring<T>::name + std::string(", consumed in place"), how));
        all.push_back(timed<in_place<Ring<T>, T, batch>>(Ring<T>::name + std::string(", batches, in place"), how));
    });
    all.push_back(timed<one_by_one<boost_spsc<T>, T>>("Boost spsc_queue, one by one", how));
    all.push_back(timed<in_place<boost_spsc<T>, T, batch>>("Boost spsc_queue, batches, in place", how));
#ifdef NUMASIO_HAS_MOODYCAMEL
    all.push_back(timed<one_by_one<moodycamel_queue<T>, T>>("moodycamel, token", how));
#else
    all.push_back({"moodycamel, token", {}, NUMASIO_NO_MOODYCAMEL});
#endif
#ifdef NUMASIO_HAS_TBB
    all.push_back(timed<one_by_one<tbb_queue<T>, T>>("oneTBB concurrent_bounded_queue", how));
#else
    all.push_back({"oneTBB concurrent_bounded_queue", {}, NUMASIO_NO_TBB});
#endif
    all.push_back(timed<one_by_one<asio_channel<T>, T>>("Asio experimental::channel", how));
    all.push_back(rust("Tokio mpsc", how, [] { return tokio_mpsc(N); }));
    return all;
}

template <std::size_t N>
void compare_by_copy(const options& asked, int repeats) {
    const auto all = by_copy<N>({asked.repeats(repeats), asked.has("--fresh")});
    print_table(std::to_string(N) + " bytes", "µs for 1000 in, 1000 out", all, interleave(all, asked.rounds), {0});
}

void compare_by_ownership(const options& asked) {
    using T = message<32768>;
    using owner = std::unique_ptr<T>;
    using node_owner = in_node_buffer<T>;
    const timing copying{asked.repeats(5), false};
    const timing moving{asked.repeats(200), false};
    std::vector<contender> all;
    all.push_back(rust("crossbeam, 32 KB copied", copying, [] { return crossbeam(32768); }));
    our_rings::each([&]<template <class> class Ring> {
        all.push_back(moved<Ring<owner>>(Ring<owner>::name + std::string(", unique_ptr"), moving, on_the_heap<T>));
        all.push_back(moved<Ring<node_owner>>(Ring<node_owner>::name + std::string(", node_buffer"), moving, in_node_buffers<T>));
    });
    all.push_back(rust("crossbeam, Box", moving, [] { return crossbeam_boxes(); }));
#ifdef NUMASIO_HAS_MOODYCAMEL
    all.push_back(moved<moodycamel_queue<owner>>("moodycamel, unique_ptr", moving, on_the_heap<T>));
#else
    all.push_back({"moodycamel, unique_ptr", {}, NUMASIO_NO_MOODYCAMEL});
#endif
#ifdef NUMASIO_HAS_TBB
    all.push_back(moved<tbb_queue<owner>>("oneTBB, unique_ptr", moving, on_the_heap<T>));
#else
    all.push_back({"oneTBB, unique_ptr", {}, NUMASIO_NO_TBB});
#endif
    print_table("32 KB buffers by ownership", "µs for 1000 in, 1000 out", all, interleave(all, asked.rounds), {0});
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked =
        parse_options(argc, argv, "1000 messages into a channel of 1000 and out, on one thread", {"--fresh"});
    if (!asked.cpus.empty()) { pin(asked.cpus[0]); }
    compare_by_copy<8>(asked, 200);
    compare_by_copy<64>(asked, 200);
    compare_by_copy<256>(asked, 100);
    compare_by_copy<1024>(asked, 50);
    compare_by_copy<4096>(asked, 20);
    compare_by_copy<32768>(asked, 5);
    compare_by_ownership(asked);
}
