// The sleep/wake handshake on the real futex: two threads that wait for one another, and nobody who would wake a forgotten one.
#include "support/sleeps.hpp"

#include <numasio/detail/parker.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>

namespace numasio::test {
namespace {

struct player {
    explicit player(std::uint32_t seed) : dice(seed) {}

    /// Publishes `n` to the other. Every second wait is shorter than the other's turn, so that rings meet sleeps in every stage.
    void send(player& to, std::uint64_t n) {
        to.mail.store(n, std::memory_order_release);
        rung += to.bell.ring() ? 1 : 0;
    }
    void wait_for(std::uint64_t n) {
        for (auto looks = dice() % 64; looks > 0; --looks) {
            if (mail.load(std::memory_order_acquire) >= n) { return; }
        }
        for (;;) {
            ++announced;
            bell.prepare();
            if (mail.load(std::memory_order_acquire) >= n) { return bell.cancel(); }
            bell.park();
            ++sleeps;
        }
    }

    alignas(64) detail::parker bell;
    alignas(64) std::atomic<std::uint64_t> mail{0};
    alignas(64) std::uint64_t sleeps = 0;  // by its own thread
    std::uint64_t announced = 0;           // the same: sleeps, and those that were over before they began
    std::uint64_t rung = 0;                // the same: how often it woke the other
    std::minstd_rand dice;
};

TEST(parker, loses_no_wake_up_over_many_sleeps) {
    const auto wanted = sleeps_to_go_through();
    constexpr std::uint64_t enough = std::uint64_t{1} << 63;
    player here(1);
    player there(2);
    std::thread other([&] {
        for (std::uint64_t n = 1;; ++n) {
            there.wait_for(n);
            if (there.mail.load(std::memory_order_relaxed) == enough) { return; }
            there.send(here, n);
        }
    });
    for (std::uint64_t n = 1; here.sleeps < wanted; ++n) {
        here.send(there, n);
        here.wait_for(n);
    }
    here.send(there, enough);
    other.join();
    // At most one doorbell for each announced sleep; and most sleeps are ended by one, not by chance.
    EXPECT_LE(there.rung, here.announced);
    EXPECT_GE(there.rung, here.sleeps / 2);
}

}  // namespace
}  // namespace numasio::test
