// A set of CPU or node numbers in the kernel's own layout, as long as it has to be.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace numasio::platform {

class bit_mask {
public:
    using word = unsigned long;
    static constexpr std::size_t word_bits = sizeof(word) * CHAR_BIT;

    /// Room for the numbers 0 … bits-1, none of them set.
    explicit bit_mask(std::size_t bits) : words_((bits + word_bits - 1) / word_bits) {}

    void set(std::uint32_t i) noexcept { words_[i / word_bits] |= word{1} << (i % word_bits); }
    bool test(std::size_t i) const noexcept { return (words_[i / word_bits] >> (i % word_bits) & 1U) != 0; }

    std::size_t bits() const noexcept { return words_.size() * word_bits; }
    std::size_t size_bytes() const noexcept { return words_.size() * sizeof(word); }
    word* data() noexcept { return words_.data(); }

    /// The numbers that are set, ascending, as strong ids.
    template <class Id>
    std::vector<Id> ids() const {
        std::vector<Id> found;
        for (std::size_t i = 0; i < bits(); ++i) {
            if (test(i)) { found.push_back(Id{static_cast<std::uint32_t>(i)}); }
        }
        return found;
    }

private:
    std::vector<word> words_;
};

}  // namespace numasio::platform
