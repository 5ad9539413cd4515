// One bit for each of a worker's lanes, so that a look at them does not grow with those that are silent.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace numasio::detail {

/// Threads: any set marks, one looks for them and clears them. Orders nothing.
template <class Atomics>
class basic_lane_marks {
public:
    static constexpr std::uint32_t lanes_per_word = 64;

    explicit basic_lane_marks(std::uint32_t lanes)
        : count_((lanes + lanes_per_word - 1) / lanes_per_word), words_(new word[count_]) {}

    bool is_set(std::uint32_t lane) const noexcept { return (at(lane).load(Atomics::relaxed) & bit(lane)) != 0; }
    void set(std::uint32_t lane) noexcept { at(lane).fetch_or(bit(lane), Atomics::relaxed); }
    void clear(std::uint32_t lane) noexcept { at(lane).fetch_and(~bit(lane), Atomics::relaxed); }
    bool any() const noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (words_[i].marks.load(Atomics::relaxed) != 0) { return true; }
        }
        return false;
    }
    /// Calls `look(lane)` for each lane that is marked.
    template <class Look>
    void for_each(Look&& look) const {
        for (std::size_t i = 0; i < count_; ++i) {
            for (auto marks = words_[i].marks.load(Atomics::relaxed); marks != 0; marks &= marks - 1) {
                look(static_cast<std::uint32_t>(i * lanes_per_word) + static_cast<std::uint32_t>(__builtin_ctzll(marks)));
            }
        }
    }

private:
    struct alignas(64) word {
        typename Atomics::template atomic<std::uint64_t> marks{0};
    };
    auto& at(std::uint32_t lane) noexcept { return words_[lane / lanes_per_word].marks; }
    const auto& at(std::uint32_t lane) const noexcept { return words_[lane / lanes_per_word].marks; }
    static constexpr std::uint64_t bit(std::uint32_t lane) noexcept { return std::uint64_t{1} << lane % lanes_per_word; }

    std::size_t count_;
    std::unique_ptr<word[]> words_;
};

using lane_marks = basic_lane_marks<std_atomics>;

}  // namespace numasio::detail
