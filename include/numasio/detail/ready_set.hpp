// Which lanes have work: so that a look at them does not grow with those that are silent.
#pragma once

#include <numasio/detail/lane_marks.hpp>

#include <cstdint>

namespace numasio::detail {

/// A mark for each lane, set by who publishes into it, cleared by who looks for work. A mark that stands stands for everything published
/// before it is cleared: while a lane is busy neither side writes it.
/// Publisher: publish work; fence; announce(). Consumer: for_each() lane that is marked: look for work; where there has been none for a
/// while, retire() it and look once more. It goes to rest only when none is marked.
template <class Atomics>
class basic_ready_set {
public:
    explicit basic_ready_set(std::uint32_t lanes) : marks_(lanes) {}

    /// Publisher to `lane`, behind a full fence after publishing. True if the mark was not there: the consumer may be at rest.
    /// [ready-1] Pairs with [ready-2]: of the two fences one comes first, so either the consumer that has just cleared the mark sees the
    /// work, or the mark is seen to be gone and is set again.
    bool announce(std::uint32_t lane) noexcept {
        if (marks_.is_set(lane)) { return false; }
        marks_.set(lane);
        return true;
    }

    /// Consumer.
    template <class Look>
    void for_each(Look&& look) const { marks_.for_each(look); }
    /// Consumer: true of a lane that is to be looked at once more.
    /// [ready-2] Pairs with [ready-1]: clear the mark BEFORE the last look into the lane.
    template <class Bell>
    void retire(std::uint32_t lane, Bell& bell) noexcept {
        marks_.clear(lane);
        bell.fence();
    }
    bool any() const noexcept { return marks_.any(); }

private:
    basic_lane_marks<Atomics> marks_;
};

using ready_set = basic_ready_set<std_atomics>;

}  // namespace numasio::detail
