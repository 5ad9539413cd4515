// Messages across threads: one producer to one consumer, and four to one, over our rings and their peers.
// Rust peers are linked in as a static library (bench/peers/rust_peers.hpp says why), so that one process alternates them all.
//
// The consumer is pinned to the second of --cpus and the producers to the first; "oversubscribed" lets all five threads run on
// both. Channels hold 1024 messages. Polled contenders wait alike: 64 pauses, then they yield. The bare cache line's round trip
// is measured before and after each round, with how much one CPU slows the other, and only rounds of one regime (NEAR, FAR, two threads of ONE CORE) are compared.
#include "streams.hpp"

#include <bench/peers/cpu_distance.hpp>
#include <bench/peers/options.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace {

using namespace numasio::bench;
using numasio::cpu_id;

struct setting {
    std::vector<cpu_id> producer_cpus;
    std::vector<cpu_id> consumer_cpus;
    std::size_t producers = 1;
    std::uint64_t each = 0;  // messages of one producer
};

/// Million messages per second, from the moment all threads are ready to the last message's arrival.
double throughput(stream& through, const setting& how, const std::string& name) {
    std::atomic<std::size_t> ready{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> producers;
    for (std::size_t p = 0; p < how.producers; ++p) {
        producers.emplace_back([&, p] {
            pin(how.producer_cpus);
            ++ready;
            while (!go.load(std::memory_order_acquire)) { std::this_thread::yield(); }
            through.send(p, p * how.each, how.each);
        });
    }
    pin(how.consumer_cpus);
    while (ready.load() != how.producers) { std::this_thread::yield(); }
    const auto all = how.each * how.producers;
    const auto start = std::chrono::steady_clock::now();
    go.store(true, std::memory_order_release);
    const auto sum = through.receive(all);
    const auto took = seconds_since(start);
    for (auto& p : producers) { p.join(); }
    if (sum != all * (all - 1) / 2) { give_up(1, name + " lost or changed a message"); }
    return static_cast<double>(all) / took / 1e6;
}

template <class Stream>
contender streamed(const std::string& name, const setting& how) {
    return {name, [=] {
        Stream through(how.producers);
        return throughput(through, how, name);
    }};
}

template <class T>
void add_crossbeam(std::vector<contender>& all, [[maybe_unused]] const setting& how) {
#ifdef NUMASIO_HAS_RUST
    all.push_back(streamed<crossbeam_stream<T, false>>("crossbeam, blocking", how));
    all.push_back(streamed<crossbeam_stream<T, true>>("crossbeam, polled", how));
#else
    all.push_back({"crossbeam, blocking", {}, NUMASIO_NO_RUST});
    all.push_back({"crossbeam, polled", {}, NUMASIO_NO_RUST});
#endif
}

template <class T>
void add_moodycamel(std::vector<contender>& all, [[maybe_unused]] const setting& how) {
#ifdef NUMASIO_HAS_MOODYCAMEL
    all.push_back(streamed<moodycamel_stream<T>>("moodycamel, tokens", how));
    if (how.producers == 1) {
        all.push_back(streamed<drained_stream<moodycamel_queue<T>, T, true>>("moodycamel, token, bulks of 64", how));
    }
#else
    all.push_back({"moodycamel, tokens", {}, NUMASIO_NO_MOODYCAMEL});
#endif
}

template <class T>
void add_tbb(std::vector<contender>& all, [[maybe_unused]] const setting& how) {
#ifdef NUMASIO_HAS_TBB
    all.push_back(streamed<one_by_one_stream<tbb_queue<T>, T>>("oneTBB concurrent_bounded_queue, polled", how));
    all.push_back(streamed<tbb_blocking_stream<T>>("oneTBB concurrent_bounded_queue, blocking", how));
#else
    all.push_back({"oneTBB concurrent_bounded_queue", {}, NUMASIO_NO_TBB});
#endif
}

template <class T>
void add_peers_of_many(std::vector<contender>& all, const setting& how) {
    add_moodycamel<T>(all, how);
    add_tbb<T>(all, how);
    all.push_back(streamed<one_by_one_stream<boost_queue<T>, T>>("Boost lockfree::queue", how));
}

template <class T>
std::vector<contender> one_producer(const setting& how) {
    std::vector<contender> all;
    add_crossbeam<T>(all, how);
    all.push_back(streamed<one_by_one_stream<boost_spsc<T>, T>>("Boost spsc_queue, one by one", how));
    all.push_back(streamed<drained_stream<boost_spsc<T>, T, true>>("Boost spsc_queue, batches", how));
    our_rings::each([&]<template <class> class Ring> {
        using ring = Ring<T>;
        const std::string name = ring::name;
        all.push_back(streamed<one_by_one_stream<ring, T>>(name + ", one by one", how));
        all.push_back(streamed<drained_stream<ring, T, false>>(name + ", pushed one by one, drained", how));
        all.push_back(streamed<drained_stream<ring, T, true>>(name + ", batches", how));
    });
    add_peers_of_many<T>(all, how);
    return all;
}

template <class T>
std::vector<contender> many_producers(const setting& how) {
    std::vector<contender> all;
    add_crossbeam<T>(all, how);
    our_rings::each([&]<template <class> class Ring> {
        using ring = Ring<T>;
        const std::string name = ring::name;
        all.push_back(streamed<drained_stream<ring, T, false>>(name + " each, pushed one by one, drained", how));
        all.push_back(streamed<drained_stream<ring, T, true>>(name + " each, batches", how));
    });
    add_peers_of_many<T>(all, how);
    return all;
}

class comparisons {
public:
    explicit comparisons(const options& asked) : asked_(asked), cpus_(two_cpus(asked)) {}

    template <std::size_t N>
    void one_to_one(int count) const {
        const setting how{{cpus_[0]}, {cpus_[1]}, 1, messages(count)};
        compare(std::to_string(N) + " bytes, one producer", one_producer<message<N>>(how), {0, 1, 2});
    }
    template <std::size_t N>
    void four_to_one(int count, bool oversubscribed) const {
        setting how{{cpus_[0]}, {cpus_[1]}, 4, messages(count) / 4};
        if (oversubscribed) { how.producer_cpus = how.consumer_cpus = cpus_; }
        const std::string where = oversubscribed ? ", oversubscribed: all five threads on both CPUs"
                                                 : " on one CPU, the consumer on the other";
        compare(std::to_string(N) + " bytes, four producers" + where, many_producers<message<N>>(how), {0, 1});
    }

private:
    std::uint64_t messages(int full) const { return static_cast<std::uint64_t>(asked_.repeats(full)); }
    void compare(const std::string& title, const std::vector<contender>& all,
                 const std::vector<std::size_t>& references) const {
        const auto probe = [this] { return distance_between(cpus_[0], cpus_[1]); };
        const auto rounds = interleave(all, asked_.rounds, probe);
        print_by_regime(title, "million/s", all, rounds, references);
    }

    const options& asked_;
    std::vector<cpu_id> cpus_;
};

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "messages from one or four threads to another");
    const comparisons all(asked);
    all.one_to_one<8>(400'000);
    all.one_to_one<64>(200'000);
    all.one_to_one<1024>(50'000);
    all.four_to_one<8>(200'000, false);
    all.four_to_one<64>(200'000, false);
    all.four_to_one<8>(200'000, true);
    all.four_to_one<64>(200'000, true);
}
