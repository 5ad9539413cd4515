// Instructions per message and per call, counted by callgrind.
#include "our_rings.hpp"
#include "queues.hpp"

#include <bench/peers/instructions.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/bridge.hpp>
#include <numasio/call_batch.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;

using small = message<8>;
constexpr std::size_t batch = 64;

/// 64 in, 64 out; one by one.
template <class Queue>
void pairs(int count) {
    Queue queue(1024);
    small in;
    small out;
    const auto some = [&](int n) {
        for (int i = 0; i < n; ++i) {
            keep(in);
            queue.push(in);
        }
        for (int i = 0; i < n; ++i) {
            queue.pop(out);
            keep(out);
        }
    };
    some(batch);
    start_counting();
    for (int done = 0; done < count; done += batch) { some(batch); }
    stop_counting();
}

/// 64 in, `AtOnce` at a time; 64 out, in place.
template <class Queue, std::size_t AtOnce>
void drained(int count) {
    Queue queue(1024);
    std::array<small, batch> in;
    const auto some = [&] {
        keep(in);
        if constexpr (AtOnce == 1) {
            for (const auto& m : in) { queue.push(m); }
        } else {
            queue.push_batch({in.data(), batch});
        }
        queue.consume([](small& m) { keep(m); }, batch);
    };
    some();
    start_counting();
    for (int done = 0; done < count; done += batch) { some(); }
    stop_counting();
}

/// 64 handlers posted, then run, on one thread: asio::post one way. Hint 1: one thread, but locks stay.
void posts(int count) {
    asio::io_context io{1};
    int ran = 0;
    const auto some = [&] {
        for (std::size_t i = 0; i < batch; ++i) {
            asio::post(io, [&ran] { ++ran; });
        }
        io.run();
        io.restart();
    };
    some();
    start_counting();
    for (int done = 0; done < count; done += batch) { some(); }
    stop_counting();
    if (ran != count + static_cast<int>(batch)) { give_up(1, "a posted handler was lost"); }
}

/// A bare co_await of an operation that completes inside its initiation. By use_awaitable: deferred would go one frame deeper each time.
asio::awaitable<void> awaits(int count) {
    const auto complete = [] {
        return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code, int)>(
            [](auto handler) { std::move(handler)(boost::system::error_code{}, 1); }, asio::use_awaitable);
    };
    for (std::size_t i = 0; i < batch; ++i) { co_await complete(); }
    start_counting();
    for (int i = 0; i < count; ++i) { co_await complete(); }
    stop_counting();
}

void inline_awaits(int count) {
    asio::io_context io{1};
    asio::co_spawn(io, awaits(count), asio::detached);
    io.run();
}

struct adder {
    explicit adder(numasio::node_context&) {}
    int operator()(int x) const noexcept { return x + 1; }
};

/// A bridge whose one worker runs where its caller says: all of a call on one thread.
struct driven {
    driven() {
        b.emplace(io, one_driven_worker());
        p = &b->open<int, int, adder>("p");
        b->start();
        worker.emplace(b->invoker_of("p", 0));
    }
    /// What was called until now is served, and its replies are delivered.
    void serve_and_deliver() {
        worker->invoke();
        io.poll();
        io.restart();
    }
    static numasio::plan one_driven_worker() {
        numasio::plan asked;
        auto& pool = asked.pools.emplace_back();
        pool.name = "p";
        pool.workers_per_node = 1;
        pool.memory.per_worker = {1 << 20};
        pool.lane.capacity = 1024;
        pool.idle.strategy = numasio::idle_strategy::caller_drives;
        return asked;
    }

    asio::io_context io{1};
    std::optional<numasio::bridge> b;
    numasio::port<int, int>* p = nullptr;
    std::optional<numasio::invoker> worker;
};

/// 64 calls, their service, their replies.
template <bool Collected>
void calls(int count) {
    driven on;
    int replies = 0;
    const auto reply = [&replies](boost::system::error_code, int answer) { replies += answer == 2; };
    const auto some = [&] {
        if constexpr (Collected) {
            numasio::call_batch together(*on.p, numasio::home{0});
            for (std::size_t i = 0; i < batch; ++i) { static_cast<void>(together.try_call(1, reply)); }  // the reply tells
        } else {
            for (std::size_t i = 0; i < batch; ++i) { on.p->async_call({0}, 1, reply); }
        }
        on.serve_and_deliver();
    };
    for (int i = 0; i < 32; ++i) { some(); }  // once round the lane
    replies = 0;
    start_counting();
    for (int done = 0; done < count; done += batch) { some(); }
    stop_counting();
    if (replies != count) { give_up(1, "a reply was lost"); }
}

/// 64 coroutines that call, and call again when the reply is there.
template <class Token>
void coroutine_calls(int count) {
    driven on;
    int replies = 0;
    bool ends = false;
    for (std::size_t i = 0; i < batch; ++i) {
        asio::co_spawn(on.io, [&]() -> asio::awaitable<void> {
            while (!ends) { replies += co_await on.p->async_call({0}, 1, Token{}) == 2; }
        }, asio::detached);
    }
    on.io.poll();
    on.io.restart();
    for (int i = 0; i < 32; ++i) { on.serve_and_deliver(); }
    replies = 0;
    start_counting();
    for (int done = 0; done < count; done += batch) { on.serve_and_deliver(); }
    stop_counting();
    if (replies != count) { give_up(1, "a reply was lost"); }
    ends = true;
    on.serve_and_deliver();
}

std::vector<counted> cases() {
    std::vector<counted> all;
    all.push_back({"Boost spsc_queue, push + pop", pairs<boost_spsc<small>>});
    all.push_back({"Boost spsc_queue, batches of 64", drained<boost_spsc<small>, batch>});
    our_rings::each([&]<template <class> class Ring> {
        using ring = Ring<small>;
        const std::string name = ring::name;
        all.push_back({name + ", push + pop", pairs<ring>});
        all.push_back({name + ", push, drained in place", drained<ring, 1>});
        all.push_back({name + ", batches of 64", drained<ring, batch>});
    });
    all.push_back({"asio::post + run, one way", posts});
    all.push_back({"co_await that completes inline", inline_awaits});
    all.push_back({"async_call, callback", calls<false>});
    all.push_back({"call_batch, callback", calls<true>});
    all.push_back({"async_call, co_await, use_awaitable", coroutine_calls<asio::use_awaitable_t<>>});
    all.push_back({"async_call, co_await, deferred", coroutine_calls<asio::deferred_t>});
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    return count_instructions(argc, argv, "instructions per message and call, by callgrind; one round suffices", "Instructions, one thread, 64 in, 64 out", cases());
}
