// Which lanes have work: so that a worker's look does not grow with producers that are silent.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace numasio::detail {

/// One bit for each lane, set by the lane's producer, taken by the worker.
/// Producer: publish work; then announce(). Consumer: collect(), serve each lane that is marked; before it sleeps, prepare(), then any().
/// A mark that the consumer has not taken yet stands for everything published before it is taken: the producer then has nothing to do.
template <class Atomics>
class basic_ready_set {
public:
    static constexpr std::uint32_t lanes_per_word = 64;

    explicit basic_ready_set(std::uint32_t lanes)
        : count_((lanes + lanes_per_word - 1) / lanes_per_word), words_(new word[count_]) {}

    std::size_t words() const noexcept { return count_; }

    /// Producer of `lane`, after publishing. True if this call woke the consumer.
    /// [ready-1] Pairs with [ready-2]: of the two fences one comes first, so either the consumer that has just taken the mark sees the
    /// work, or the mark is seen to be gone and is set again.
    template <class Bell>
    bool announce(std::uint32_t lane, Bell& bell) noexcept {
        bell.fence();
        auto& marks = words_[lane / lanes_per_word].marks;
        const std::uint64_t bit = std::uint64_t{1} << lane % lanes_per_word;
        if ((marks.load(Atomics::relaxed) & bit) != 0) { return false; }
        marks.fetch_or(bit, Atomics::relaxed);
        return bell.ring();
    }

    /// Consumer: adds the marks to `to`, which has words() words, and takes them. False if none is there.
    template <class Bell>
    bool collect(std::span<std::uint64_t> to, Bell& bell) noexcept {
        bool taken = false;
        bool some = false;
        for (std::size_t i = 0; i < count_; ++i) {
            if (words_[i].marks.load(Atomics::relaxed) != 0) {
                to[i] |= words_[i].marks.exchange(0, Atomics::relaxed);
                taken = true;
            }
            some = some || to[i] != 0;
        }
        // [ready-2] Pairs with [ready-1]: take the marks BEFORE looking into the lanes.
        if (taken) { bell.fence(); }
        return some;
    }

    /// Consumer, after bell.prepare().
    bool any() const noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (words_[i].marks.load(Atomics::relaxed) != 0) { return true; }
        }
        return false;
    }

private:
    struct alignas(64) word {
        typename Atomics::template atomic<std::uint64_t> marks{0};
    };
    std::size_t count_;
    std::unique_ptr<word[]> words_;
};

using ready_set = basic_ready_set<std_atomics>;

}  // namespace numasio::detail
