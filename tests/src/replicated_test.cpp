// A value with a copy on each node: readers see a whole one, copies live as long as somebody looks at them, and no longer.
#include "support/last_words.hpp"
#include "support/strace.hpp"

#include <numasio/replicated.hpp>
#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace numasio::test {
namespace {

using namespace numasio::literals;

/// Counts those that are there; copying throws when `copies_left` is used up.
struct counted_value {
    explicit counted_value(int n) : number(n) { ++alive; }
    counted_value(const counted_value& other) : number(other.number) {
        if (copies_left-- <= 0) { throw std::runtime_error("no copy"); }
        ++alive;
    }
    ~counted_value() { --alive; }
    int number;
    static inline std::atomic<int> alive{0};
    static inline int copies_left = 0;
};

class replicated_value : public ::testing::Test {
protected:
    void SetUp() override {
        counted_value::alive = 0;
        counted_value::copies_left = 1'000'000;
    }
    const topology machine = discover_topology();
    const int nodes = static_cast<int>(machine.executor_nodes().size());
};

TEST_F(replicated_value, is_read_as_it_was_published_last) {
    replicated<int> limit(machine, 64_KiB, 5);
    EXPECT_EQ(*limit.read(), 5);
    EXPECT_EQ(limit.read().version(), 1U);
    EXPECT_EQ(limit.publish(6), 2U);
    EXPECT_EQ(*limit.read(), 6);
    EXPECT_EQ(limit.update([](int& n) { n *= 7; }), 3U);
    EXPECT_EQ(*limit.read(), 42);
    EXPECT_EQ(limit.read().version(), 3U);
}

TEST_F(replicated_value, stays_for_who_reads_it_and_goes_when_nobody_does) {
    replicated<counted_value> value(machine, 64_KiB, counted_value(1));
    EXPECT_EQ(counted_value::alive, nodes);
    {
        const auto old = value.read();
        value.publish(counted_value(2));
        EXPECT_EQ(old->number, 1);
        EXPECT_EQ(value.read()->number, 2);
        EXPECT_EQ(value.reclaim(), 1U);
        EXPECT_EQ(counted_value::alive, 2 * nodes);
        EXPECT_EQ(old->number, 1);
    }
    EXPECT_EQ(value.reclaim(), 0U);
    EXPECT_EQ(counted_value::alive, nodes);
    value.publish(counted_value(3));
    EXPECT_EQ(counted_value::alive, nodes) << "with no reader about the old value goes at once";
}

TEST_F(replicated_value, keeps_what_an_outer_reading_looks_at) {
    replicated<counted_value> one(machine, 64_KiB, counted_value(1)), other(machine, 64_KiB, counted_value(10));
    {
        const auto outer = one.read();
        { EXPECT_EQ(other.read()->number, 10); }
        one.publish(counted_value(2));
        EXPECT_EQ(outer->number, 1);
        const auto inner = one.read();
        EXPECT_EQ(inner->number, 2);
        EXPECT_EQ(one.reclaim(), 1U);
    }
    EXPECT_EQ(one.reclaim(), 0U);
}

TEST_F(replicated_value, is_kept_by_the_last_of_several_readings_whichever_order_they_end_in) {
    struct kept {
        explicit kept(const replicated<counted_value>& value) : reading(value.read()) {}
        replicated<counted_value>::reading reading;
    };
    replicated<counted_value> value(machine, 64_KiB, counted_value(1));
    auto first = std::make_unique<kept>(value);
    const auto second = std::make_unique<kept>(value);
    auto third = std::make_unique<kept>(value);
    value.publish(counted_value(2));
    first.reset();
    EXPECT_EQ(value.reclaim(), 1U);
    third.reset();
    EXPECT_EQ(value.reclaim(), 1U);
    EXPECT_EQ(second->reading->number, 1);
    { EXPECT_EQ(value.read()->number, 2); }
    EXPECT_EQ(value.reclaim(), 1U);
    first = std::make_unique<kept>(value);
    first.reset();
    EXPECT_EQ(second->reading->number, 1);
}

TEST_F(replicated_value, is_not_kept_by_a_reader_that_began_later) {
    replicated<counted_value> value(machine, 64_KiB, counted_value(1));
    std::optional<std::thread> late;
    std::atomic<int> step{0};
    {
        const auto old = value.read();
        value.publish(counted_value(2));
        late.emplace([&] {
            const auto newer = value.read();
            step = 1;
            step.notify_all();
            step.wait(1);
            EXPECT_EQ(newer->number, 2);
        });
        step.wait(0);
        EXPECT_EQ(value.reclaim(), 1U);
    }
    EXPECT_EQ(value.reclaim(), 0U);
    step = 2;
    step.notify_all();
    late->join();
}

TEST_F(replicated_value, has_a_copy_of_its_own_on_each_node_for_that_nodes_workers) {
    if (machine.allowed_cpus().size() < 2) { FAIL() << "this test needs two CPUs"; }
    const auto pretend = simulate_nodes(machine, 2);
    replicated<counted_value> value(pretend, 64_KiB, counted_value(1));
    EXPECT_EQ(value.placements().size(), 2U);
    std::set<const counted_value*> seen;
    for (const node_id node : pretend.executor_nodes()) {
        std::thread([&] {
            detail::prepare_row(node);
            seen.insert(&*value.read());
            seen.insert(&*value.read());
        }).join();
    }
    EXPECT_EQ(seen.size(), 2U);
    std::thread([&] { EXPECT_TRUE(seen.contains(&*value.read())); }).join();  // no worker
    std::thread([&] {
        detail::prepare_row(node_id{4'000'000});  // a node that the machine did not have
        EXPECT_TRUE(seen.contains(&*value.read()));
    }).join();
}

TEST_F(replicated_value, takes_what_it_allocates_from_the_nodes_memory_where_it_takes_an_allocator) {
    using list = std::pmr::vector<int>;
    const list first(100, 7);
    replicated<list> value(machine, 64_KiB, first);
    const auto seen = value.read();
    EXPECT_EQ(*seen, first);
    EXPECT_NE(seen->get_allocator().resource(), first.get_allocator().resource());
    EXPECT_NE(dynamic_cast<shared_node_memory*>(seen->get_allocator().resource()), nullptr);
}

TEST_F(replicated_value, is_what_it_was_where_a_copy_fails) {
    const auto pretend = simulate_nodes(machine, 2);
    replicated<counted_value> value(pretend, 64_KiB, counted_value(1));
    const counted_value next(2);
    counted_value::copies_left = 1;  // the second node's throws
    EXPECT_THROW(value.publish(next), std::runtime_error);
    EXPECT_THROW(value.update([](counted_value&) { throw std::logic_error("change"); }), std::exception);
    counted_value::copies_left = 100;
    EXPECT_THROW(value.update([](counted_value&) { throw std::logic_error("change"); }), std::logic_error);
    EXPECT_EQ(value.read()->number, 1);
    EXPECT_EQ(value.read().version(), 1U);
    EXPECT_EQ(counted_value::alive, 2 + 1);
    EXPECT_EQ(value.publish(next), 2U);
}

TEST_F(replicated_value, has_no_room_for_ever_more_beside_a_reader_that_stays) {
    using block = std::array<char, 16 << 10>;
    replicated<block> value(machine, 80_KiB, block{});
    {
        const auto old = value.read();
        EXPECT_THROW({ for (char n = 1; n < 10; ++n) { value.publish(block{n}); } }, std::bad_alloc);
        EXPECT_EQ((*old)[0], 0);
        EXPECT_GT((*value.read())[0], 0);
    }
    for (char n = 20; n < 40; ++n) {
        value.publish(block{n});
        EXPECT_EQ((*value.read())[0], n);
    }
    EXPECT_THROW(replicated<block>(machine, 16_KiB, block{}), std::bad_alloc);
}

TEST_F(replicated_value, says_that_its_own_memory_is_too_little) {
    try {
        replicated<int> never(machine, 4_KiB, 1);
        ADD_FAILURE() << "it has 12 KiB of bookkeeping";
    } catch (const std::invalid_argument& e) {
        EXPECT_EQ(std::string(e.what()).find("numasio::replicated: "), 0U) << e.what();
        EXPECT_NE(std::string(e.what()).find("per_node"), std::string::npos) << e.what();
    }
}

TEST_F(replicated_value, needs_this_machine) {
    try {
        replicated<int> never(discover_topology("synthetic:node:2 core:2 pu:1"), 64_KiB, 1);
        ADD_FAILURE() << "a described machine has no memory";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::not_this_machine);
    }
}

TEST_F(replicated_value, may_be_read_while_a_thread_ends) {
    static std::optional<replicated<counted_value>> value;
    value.emplace(machine, 64_KiB, counted_value(1));
    std::thread([] {
        say_at_last([] {
            EXPECT_EQ(detail::row_of_this_thread, nullptr);
            const auto seen = value->read();
            value->publish(counted_value(seen->number + 1));
            EXPECT_EQ(value->reclaim(), 1U);
        });
        EXPECT_EQ(value->read()->number, 1);
    }).join();
    EXPECT_EQ(value->reclaim(), 0U);
    EXPECT_EQ(value->read()->number, 2);
    value.reset();
    EXPECT_EQ(counted_value::alive, 0);
}

TEST_F(replicated_value, is_whole_for_every_reader_while_it_is_published) {
    using numbers = std::pmr::vector<int>;
    replicated<numbers> value(machine, 1_MiB, numbers(64, 0));
    std::atomic<bool> over{false};
    std::vector<std::thread> readers;
    for (int r = 0; r < 3; ++r) {
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!over) {
                const auto seen = value.read();
                EXPECT_TRUE(std::ranges::all_of(*seen, [&](int n) { return n == seen->front(); }));
                EXPECT_EQ(seen.version(), static_cast<std::uint64_t>(seen->front()) + 1);
                EXPECT_GE(seen.version(), last);
                last = seen.version();
            }
        });
    }
    for (int n = 1; n <= 2'000; ++n) {
        try {
            value.publish(numbers(64, n));
        } catch (const std::bad_alloc&) {  // readers that were off their processors
            std::this_thread::yield();
            --n;
        }
    }
    over = true;
    for (auto& r : readers) { r.join(); }
    EXPECT_EQ(value.reclaim(), 0U);
    EXPECT_EQ(value.read()->front(), 2'000);
}

TEST(replicated_refused, is_the_same_where_the_kernel_refuses_membarrier) {
    const auto all = std::string("/proc/self/exe");
    std::array<char, 4096> self{};
    ASSERT_GT(::readlink(all.c_str(), self.data(), self.size() - 1), 0);
    for (const auto* const error : {"EPERM", "ENOSYS"}) {
        run(under_fault(std::string(self.data()) + " --gtest_filter='replicated_value.*'", "membarrier", error));
        // Granted at first, and refused later: nothing may be taken to be unread.
        run(under_fault(std::string(self.data()) + " --gtest_filter='replicated_value.is_read_as_it_was_published_last'", "membarrier", std::string(error) + ":when=2+"));
    }
}

}  // namespace
}  // namespace numasio::test
