// A service of streams whose generators are counted, and a bridge with it on an io_context that the test runs.
#pragma once

#include <numasio/stream.hpp>

#include "control_plane/bridge/bridge_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace numasio::test {

inline constexpr int endless = std::numeric_limits<int>::max();

/// Makes the numbers from 0 to below `end`, each when the gate is open. Holds a block of the node's memory.
class counter {
public:
    static constexpr std::size_t block = 4096;

    counter(std::pmr::memory_resource& memory, int end) : memory_(&memory), held_(memory.allocate(block)), end_(end) { ++open; }
    counter(counter&& other) noexcept : memory_(other.memory_), held_(std::exchange(other.held_, nullptr)), end_(other.end_) {}
    counter& operator=(counter&&) = delete;
    ~counter() {
        if (held_ == nullptr) { return; }
        memory_->deallocate(held_, block);
        destroyed_on = std::this_thread::get_id();
        --open;
    }
    std::optional<std::unique_ptr<int>> next() {
        ++asked;
        while (gated::closed.load()) { std::this_thread::yield(); }
        if (next_ == end_) { return std::nullopt; }
        if (next_ == throws_at) { throw std::runtime_error("no more"); }
        ++made;
        return std::make_unique<int>(next_++);
    }
    static void reset() { open = 0, asked = 0, made = 0, throws_at = -1; }

    static inline std::atomic<int> open{0};
    static inline std::atomic<int> asked{0};
    static inline std::atomic<int> made{0};
    static inline std::atomic<int> throws_at{-1};
    static inline std::atomic<std::thread::id> destroyed_on{};

private:
    std::pmr::memory_resource* memory_;
    void* held_;
    int end_;
    int next_ = 0;
};

struct counting {
    explicit counting(node_context& node) : memory(&node.memory()) { worker_thread = std::this_thread::get_id(); }
    counter operator()(const std::unique_ptr<int>& end) {
        if (!end) { throw std::invalid_argument("to where?"); }
        return {*memory, *end};
    }
    std::pmr::memory_resource* memory;
    static inline std::atomic<std::thread::id> worker_thread{};
};

using item = std::unique_ptr<int>;  // and the request: what only moves is enough
using numbers = port<std::unique_ptr<int>, stream_of<item>>;
using reading = reply_stream<item>;
inline std::unique_ptr<int> up_to(int end) { return std::make_unique<int>(end); }

/// What a wait for an item told.
struct answer {
    error_code ec = asio::error::would_block;
    int value = -1;  // -1: no item
    auto handler() {
        return [this](error_code e, const std::optional<item>& i) { ec = e, value = i ? **i : -1; };
    }
    bool is_end() const { return !ec && value == -1; }
    bool is(int v) const { return !ec && value == v; }
};

class stream : public call {
protected:
    numbers& open(std::uint32_t capacity = 64, std::uint32_t producers = 4) {
        bridge_.emplace(io_.get_executor(), one_worker(capacity, producers));
        auto& opened = bridge_->open<std::unique_ptr<int>, stream_of<item>, counting>("p");
        bridge_->start();
        return opened;
    }
    void TearDown() override {
        gated::closed = false;
        if (bridge_) { bridge_->stop(1s); }
        io_.restart();
        io_.run();
        EXPECT_EQ(counter::open.load(), 0);  // generators do not outlive their worker
        counter::reset();
        call::TearDown();
    }
    /// Runs the context until nothing is on its way.
    void settle() {
        io_.restart();
        io_.run();
    }
    reading start(numbers& p, int end, std::uint32_t credit, error_code* why = nullptr) {
        reading s;
        error_code told = asio::error::would_block;
        p.async_stream({0}, up_to(end), credit, [&](error_code ec, reading opened) { told = ec, s = std::move(opened); });
        settle();
        EXPECT_EQ(static_cast<bool>(s), !told);
        if (why != nullptr) { *why = told; }
        else { EXPECT_FALSE(told) << told.message(); }
        return s;
    }
    answer next(reading& s) {
        answer a;
        s.async_next(a.handler());
        settle();
        return a;
    }
    /// Closes the gate and reads what was made before: the next wait lasts.
    void read_up(reading& s, int from, int count) {
        gated::closed = true;
        for (int i = from; i < from + count; ++i) {
            answer a;
            s.async_next(a.handler());
            poll();
            EXPECT_TRUE(a.is(i));
        }
    }
    void poll() {
        io_.restart();
        io_.poll();
    }
    static void wait_until(const std::atomic<int>& value, int wanted) {
        while (value.load() != wanted) { std::this_thread::yield(); }
    }
    /// Of the worker, when it is at rest: a reply may be faster than the figures of the sweep that made it.
    bytes memory_used() const {
        while (!bridge_->status().workers.front().parked) { std::this_thread::yield(); }
        return bridge_->status().workers.front().memory_used;
    }
};

}  // namespace numasio::test
