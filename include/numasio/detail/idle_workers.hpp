// Which workers of a node sleep, and how many look for work: whom a new task wakes, one at a time.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace numasio::detail {

/// Publisher: publish a task; after_publishing(); ring whom that names. Worker: begin_search(); look; end_search(); announce(); look once more; sleep until
/// rung, or retract(). Who is woken is a searcher: it ends its search before it begins a task, and where no other searches then it wakes one more, if there is more.
/// Either the worker's last look sees the task, or the publisher sees the worker asleep, or it sees one that searches, whose own last look is still to
/// come ([idle-1], [idle-2]).
template <class Atomics, std::uint32_t Most>
class basic_idle_workers {
    static constexpr std::uint32_t words = (Most + 63) / 64;

public:
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};

    /// How many workers there are. Threads: before any of them runs.
    void set_workers(std::uint32_t n) noexcept { workers_ = n; }

    // --- publisher ----------------------------------------------------------------------------------
    /// Behind publishing a task that any worker may run. The worker to ring.
    std::uint32_t after_publishing() noexcept {
        Atomics::full_fence(searching_);  // [idle-1] Pairs with [idle-2]
        if (searching_.load(Atomics::relaxed) != 0) { return nobody; }
        return claim_any();
    }
    /// The same by a worker of the node, of a task in its own queue: one that naps will look there by itself.
    std::uint32_t after_publishing_here() noexcept {
        Atomics::full_fence(searching_);  // [idle-1]
        if (searching_.load(Atomics::relaxed) != 0 || napping_.load(Atomics::relaxed) != 0) { return nobody; }
        return claim_any();
    }
    /// The same of a task that is for `worker` alone.
    std::uint32_t after_publishing_to(std::uint32_t worker) noexcept {
        Atomics::full_fence(searching_);  // [idle-1]
        return claim(worker) ? worker : nobody;
    }
    /// One that sleeps and may be woken for anything; it searches from now on, and is to be rung.
    std::uint32_t claim_any() noexcept {
        const auto last = last_resort_.load(Atomics::relaxed);
        for (std::uint32_t w = 0; w * 64 < workers_; ++w) {
            auto bits = asleep_[w].load(Atomics::relaxed) & ~benched_[w].load(Atomics::relaxed);
            for (; bits != 0; bits &= bits - 1) {
                const auto worker = w * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
                if (worker != last && claim(worker)) { return worker; }
            }
        }
        return last != nobody && !is_benched(last) && claim(last) ? last : nobody;
    }
    bool claim(std::uint32_t worker) noexcept {
        auto& word = asleep_[worker / 64];
        if ((word.load(Atomics::relaxed) & bit(worker)) == 0) { return false; }
        // Acquire: what the worker wrote before announce() tells how to ring it.
        if ((word.fetch_and(~bit(worker), Atomics::acquire) & bit(worker)) == 0) { return false; }
        searching_.fetch_add(1, Atomics::relaxed);  // before the ring, behind which the worker counts on it
        return true;
    }

    // --- worker -------------------------------------------------------------------------------------
    /// False: enough others search.
    bool begin_search() noexcept {
        if (searching_.load(Atomics::relaxed) * 2 >= workers_) { return false; }
        searching_.fetch_add(1, Atomics::relaxed);
        return true;
    }
    /// Nothing was found.
    void end_search() noexcept { searching_.fetch_sub(1, Atomics::relaxed); }
    /// A task was found. The worker to ring where no other searches and there is `more()` to do: others may have counted on this search for it.
    template <class More>
    std::uint32_t end_search_with_task(More&& more) noexcept {
        Atomics::full_fence(searching_);  // [idle-1] of what was found and put into the own queue: who searches still looks there
        if (searching_.fetch_sub(1, Atomics::relaxed) != 1) { return nobody; }
        Atomics::full_fence(searching_);  // [idle-3] Pairs with [idle-1]: who counted on this search has published before
        return more() ? claim_any() : nobody;
    }

    /// Not a searcher; the bell is prepared. Before the last look.
    void announce(std::uint32_t worker) noexcept {
        asleep_[worker / 64].fetch_or(bit(worker), Atomics::release);
        Atomics::full_fence(searching_);  // [idle-2] Pairs with [idle-1]
    }
    /// A sleep that ends by itself soon: from before its announcement until the worker is a searcher again. False: another naps.
    bool begin_nap() noexcept {
        std::uint32_t nobody_naps = 0;
        return napping_.compare_exchange_strong(nobody_naps, 1, Atomics::relaxed, Atomics::relaxed);
    }
    /// Who counted on it looked before the fence of the next announcement or found task ([idle-2], [idle-3]), behind which the worker looks.
    void end_nap() noexcept { napping_.store(0, Atomics::relaxed); }
    /// The last look found something, or the bell returned by itself. The worker searches now: others may have counted on its last search, which did not find
    /// theirs. False: somebody has claimed it, and is about to ring it.
    bool retract(std::uint32_t worker) noexcept {
        if ((asleep_[worker / 64].fetch_and(~bit(worker), Atomics::relaxed) & bit(worker)) == 0) { return false; }
        searching_.fetch_add(1, Atomics::relaxed);
        return true;
    }

    // --- others -------------------------------------------------------------------------------------
    bool is_asleep(std::uint32_t worker) const noexcept { return (asleep_[worker / 64].load(Atomics::relaxed) & bit(worker)) != 0; }
    std::uint32_t searching() const noexcept { return searching_.load(Atomics::relaxed); }
    /// A worker that is benched is woken for its own tasks only.
    void bench(std::uint32_t worker, bool is) noexcept {
        auto& word = benched_[worker / 64];
        is ? word.fetch_or(bit(worker), Atomics::relaxed) : word.fetch_and(~bit(worker), Atomics::relaxed);
    }

    bool is_benched(std::uint32_t worker) const noexcept { return (benched_[worker / 64].load(Atomics::relaxed) & bit(worker)) != 0; }
    /// A sleeper that claim_any() wakes only where no other sleeps; or nobody.
    void set_last_resort(std::uint32_t worker) noexcept { last_resort_.store(worker, Atomics::relaxed); }
    /// A full fence that meets those of announce() and after_publishing().
    void fence() noexcept { Atomics::full_fence(searching_); }

private:
    static constexpr std::uint64_t bit(std::uint32_t worker) noexcept { return std::uint64_t{1} << (worker % 64); }

    std::uint32_t workers_ = 0;
    typename Atomics::template atomic<std::uint32_t> last_resort_{nobody};
    alignas(64) typename Atomics::template atomic<std::uint32_t> searching_{0};
    typename Atomics::template atomic<std::uint32_t> napping_{0};
    std::array<typename Atomics::template atomic<std::uint64_t>, words> asleep_{};
    std::array<typename Atomics::template atomic<std::uint64_t>, words> benched_{};
};

}  // namespace numasio::detail
