// Whichever allocation fails: a readable_set hears on, loses nothing, and leaves no descriptor.
#include "support/readable_sets.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include <unistd.h>

namespace {
thread_local long granted_before_refusal = -1;  // how many allocations of this thread are granted before one is refused; below zero: all are

bool memory_granted() noexcept { return granted_before_refusal < 0 || granted_before_refusal-- != 0; }
}  // namespace

// Asio allocates by aligned_alloc. malloc itself belongs to the sanitizers. Inlined, they would be taken for a mismatch by gcc.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
    void* p = nullptr;
    return memory_granted() && ::posix_memalign(&p, alignment, n) == 0 ? p : nullptr;
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return memory_granted() ? std::malloc(n == 0 ? 1 : n) : nullptr; }
[[gnu::noinline]] void* operator new(std::size_t n) {
    if (void* p = operator new(n, std::nothrow)) { return p; }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace numasio {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using testing::ElementsAre;
using testing::Pair;

class ReadableSetMemory : public test::readable_sets {
protected:
    /// Whether `act` ran without the allocation that was to be refused, the one behind `granted` others.
    template <class F>
    static bool ran_out_of_refusals(long granted, F&& act) {
        granted_before_refusal = granted;
        try {
            act();
        } catch (const std::bad_alloc&) {}
        return std::exchange(granted_before_refusal, -1) >= 0;
    }
};

INSTANTIATE_TEST_SUITE_P(both, ReadableSetMemory, test::both_backends, test::backend_name);

TEST_P(ReadableSetMemory, hears_on_whichever_allocation_of_an_addition_fails) {
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        auto& refused = connect();
        auto& next = connect();
        set.emplace(io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); }, GetParam());
        done = ran_out_of_refusals(granted, [&] { static_cast<void>(set->add(refused.ours.native_handle(), 1)); });
        EXPECT_FALSE(set->add(next.ours.native_handle(), 2));
        asio::write(next.theirs, asio::buffer("x", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(2, false))) << granted;
    }
}

TEST_P(ReadableSetMemory, hears_on_whichever_allocation_behind_a_telling_fails) {
    auto& one = connect();
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
            told.emplace_back(id, all);
            if (!std::exchange(first, false)) { return; }
            for (int i = 0; i < 4; ++i) { asio::post(io, [] {}); }  // use up what Asio has kept for the next wait
            granted_before_refusal = granted;
        }, GetParam());
        EXPECT_FALSE(set->add(one.ours.native_handle(), 1));
        asio::write(one.theirs, asio::buffer("x", 1));
        done = ran_out_of_refusals(-1, [&] { io.run_for(std::chrono::milliseconds(20)); });
        told.clear();
        asio::write(one.theirs, asio::buffer("y", 1));
        EXPECT_THAT(next_told(), ElementsAre(Pair(1, false))) << granted;
        EXPECT_EQ(read(one.ours), "xy");
    }
}

TEST_P(ReadableSetMemory, loses_nothing_behind_a_telling_that_throws_where_there_is_no_memory) {
    for (const bool asked_again : {false, true}) {
        for (long granted = 0; granted < 4; ++granted) {
            std::deque<stream_protocol::socket> members;
            set.emplace(io.get_executor(), [&, first = true](std::uint64_t id, bool all) mutable {
                if (std::exchange(first, false)) {
                    granted_before_refusal = granted;
                    throw std::runtime_error("no");
                }
                told.emplace_back(id, all);
            }, GetParam());
            for (std::uint64_t id = 0; id < 3; ++id) {
                auto& one = connect();
                if (!asked_again) { asio::write(one.theirs, asio::buffer("x", 1)); }
                EXPECT_FALSE(set->add(one.ours.native_handle(), id));
                if (asked_again) { set->tell_again(id); }
            }
            io.restart();
            try {
                io.run_for(std::chrono::milliseconds(20));
            } catch (const std::exception&) {}
            granted_before_refusal = -1;
            EXPECT_THAT(told_soon(), ElementsAre(Pair(1, false), Pair(2, false))) << granted;
        }
    }
}

TEST_P(ReadableSetMemory, tells_again_what_it_took_and_nothing_else_where_memory_ends) {
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        set.emplace(io.get_executor(), [this](std::uint64_t id, bool all) { told.emplace_back(id, all); }, GetParam());
        std::vector<std::pair<std::uint64_t, bool>> taken;
        taken.reserve(100);
        granted_before_refusal = granted;
        for (std::uint64_t id = 0; id < 100; ++id) {
            try {
                set->tell_again(id);
                taken.emplace_back(id, false);
            } catch (const std::bad_alloc&) {}
        }
        done = std::exchange(granted_before_refusal, -1) >= 0;
        EXPECT_EQ(taken.size(), done ? 100u : 99u);
        io.restart();
        io.run();
        EXPECT_EQ(std::exchange(told, {}), taken) << granted;
    }
}

TEST_P(ReadableSetMemory, that_cannot_be_made_leaves_no_descriptor) {
    const auto next_number = [] {
        const int number = ::dup(0);
        ::close(number);
        return number;
    };
    set.reset();
    const int before = next_number();
    std::deque<readable_set> made;  // takes what Asio has kept of the one before
    made.emplace_back(io.get_executor(), readable_set::told(), GetParam());
    std::optional<readable_set> one;
    bool done = false;
    for (long granted = 0; !done; ++granted) {
        const int with_those = next_number();
        done = ran_out_of_refusals(granted, [&] { one.emplace(io.get_executor(), readable_set::told(), GetParam()); });
        one.reset();
        EXPECT_EQ(next_number(), with_those) << granted;
    }
    made.clear();
    EXPECT_EQ(next_number(), before);
}

}  // namespace
}  // namespace numasio
