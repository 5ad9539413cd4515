// A machine that changes under the process: CPUs go off- and online, cpusets shrink and grow, and the watch sees each
// within a second. Run as root, on an emulated machine only: it takes CPUs offline.
#include <numasio/topology_watch.hpp>

#include <numasio/affinity.hpp>
#include <numasio/scoped_pin.hpp>

#include "numa_vm/machine_changes.hpp"
#include "support/time_given.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>

namespace numasio::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class topology_change : public ::testing::Test {
protected:
    // The kernel of the last test may still be restoring what was changed.
    topology_change() {
        if (!std::filesystem::exists("/run/guest.sh")) { std::abort(); }  // somebody's real machine
        bring_all_online();
        EXPECT_FALSE(pin_this_thread(discover_topology().limits->online_cpus));
        for (int attempt = 0; attempt < 40 && this_thread_cpus() != limits_now().online_cpus; ++attempt) {
            std::this_thread::sleep_for(50ms);
        }
        before_ = discover_topology();
        watch_.emplace(io_);
    }
    ~topology_change() override { bring_all_online(); }

    cpu_id last() const { return before_.cpus.back().id; }
    std::vector<cpu_id> all_but_last() const {
        auto cpus = before_.limits->online_cpus;
        cpus.pop_back();
        return cpus;
    }

    /// The topology after `change`, which the watch told within a second, and which holds `wanted`. A change that the kernel
    /// makes in two steps may be told twice.
    topology after(const std::function<bool()>& change, const std::function<bool(const topology&)>& wanted) {
        std::optional<topology> told;
        EXPECT_TRUE(change()) << "the kernel refused it";
        const time_given time;
        auto took = std::chrono::milliseconds::max();
        std::function<void(error_code, topology)> look = [&](error_code ec, topology machine) {
            EXPECT_FALSE(ec);
            told = std::move(machine);
            took = time.so_far();
            if (!wanted(*told)) { watch_->async_wait(look); }
        };
        watch_->async_wait(look);
        io_.restart();
        io_.run_for(5s);
        watch_->cancel();
        io_.restart();
        io_.run();
        EXPECT_LE(took, 1s);
        EXPECT_TRUE(told && wanted(*told)) << "not told";
        return told.value_or(topology{});
    }

    asio::io_context io_;
    topology before_;
    std::optional<topology_watch> watch_;
};

TEST_F(topology_change, a_cpu_goes_offline_and_comes_back) {
    const auto gone = after([&] { return set_online(last(), false); },
                            [&](const topology& t) { return t.find(last()) == nullptr; });
    EXPECT_EQ(gone.origin, topology_origin::live);
    EXPECT_THAT(gone.offline_cpus, ElementsAre(last()));
    EXPECT_EQ(gone.allowed_cpus(), all_but_last());
    EXPECT_THAT(gone.find(before_.cpus.back().node)->cpus, Not(Contains(last())));
    EXPECT_THAT(to_text(gone), ::testing::HasSubstr("offline: " + std::to_string(last().value)));

    const auto back = after([&] { return set_online(last(), true); },
                            [&](const topology& t) { return t.find(last()) != nullptr; });
    EXPECT_EQ(back.cpus, before_.cpus);
    EXPECT_EQ(back.limits, before_.limits);
    EXPECT_THAT(back.offline_cpus, IsEmpty());
}

TEST_F(topology_change, a_pinned_thread_sees_it_too_and_its_pin_is_not_the_processs_limit) {
    const scoped_pin pin(before_.cpus.front().id);
    ASSERT_TRUE(pin.result());
    const auto gone = after([&] { return set_online(last(), false); },
                            [&](const topology& t) { return t.find(last()) == nullptr; });
    EXPECT_EQ(gone.allowed_cpus(), all_but_last());
    after([&] { return set_online(last(), true); }, [&](const topology& t) { return t.cpus == before_.cpus; });
}

TEST_F(topology_change, a_cpu_that_the_affinity_mask_lacks_stays_denied_when_it_comes_back) {
    const auto kept = all_but_last();
    const scoped_pin pin(kept);  // as taskset does before it starts a program
    ASSERT_TRUE(pin.result());
    const auto narrow = discover_topology();
    EXPECT_EQ(narrow.limits->affinity, kept);
    EXPECT_EQ(narrow.find(last())->denied, cpu_denial::affinity);
    ASSERT_TRUE(set_online(last(), false));
    EXPECT_EQ(discover_topology(*narrow.limits).allowed_cpus(), kept);
    ASSERT_TRUE(set_online(last(), true));
    EXPECT_EQ(discover_topology(*narrow.limits).allowed_cpus(), kept);

    ASSERT_TRUE(set_online(kept.back(), false));
    const auto fewer = discover_topology(*narrow.limits);
    EXPECT_THAT(fewer.allowed_cpus(), Not(Contains(kept.back())));
    ASSERT_TRUE(set_online(kept.back(), true));
    EXPECT_EQ(discover_topology(*narrow.limits).allowed_cpus(), kept);
}

template <class Group, class Test>
void shrinks_and_grows(Test& test, const Group& group, const topology& before) {
    const auto& all = before.limits->online_cpus;
    const std::vector<cpu_id> first{all.front()};
    const std::vector<node_id> one{before.limits->memory_nodes.front()};
    const auto small = test.after([&] { return group.allow(first); }, [&](const topology& t) { return t.allowed_cpus() == first; });
    EXPECT_EQ(small.limits->cpuset_cpus, first);
    EXPECT_EQ(small.limits->cpuset, group.folder());
    EXPECT_FALSE(small.limits->affinity);
    for (const cpu_info& cpu : small.cpus) {
        EXPECT_EQ(cpu.denied, cpu.id == first.front() ? cpu_denial::none : cpu_denial::cpuset) << cpu.id.value;
    }
    const auto single = test.after([&] { return group.allow(one); },
                                   [&](const topology& t) { return t.limits->memory_nodes == one; });
    for (const node_info& node : single.nodes) {
        if (node.memory.value != 0) { EXPECT_EQ(node.memory_allowed, node.id == one.front()) << node.id.value; }
    }
    const auto grown = test.after([&] { return group.allow(all) && group.allow(before.limits->memory_nodes); },
                                  [&](const topology& t) {
                                      return t.allowed_cpus() == all && t.limits->memory_nodes == before.limits->memory_nodes;
                                  });
    EXPECT_EQ(grown.cpus, before.cpus);
}

class cpuset_change : public topology_change {
public:
    using topology_change::after;
};

TEST_F(cpuset_change, of_version_2_is_seen_when_it_shrinks_and_when_it_grows) {
    const own_cpuset group;
    shrinks_and_grows(*this, group, before_);
}

TEST_F(cpuset_change, of_version_2_is_seen_by_a_pinned_thread) {
    const own_cpuset group;
    const scoped_pin pin(before_.cpus.front().id);
    ASSERT_TRUE(pin.result());
    const auto small = after([&] { return group.allow(all_but_last()); },
                             [&](const topology& t) { return t.allowed_cpus() == all_but_last(); });
    EXPECT_EQ(small.find(last())->denied, cpu_denial::cpuset);
    after([&] { return group.allow(before_.limits->online_cpus); },
          [&](const topology& t) { return t.allowed_cpus() == before_.allowed_cpus(); });
}

TEST_F(cpuset_change, at_start_only_what_it_has_is_allowed_and_a_person_sees_why) {
    const own_cpuset group;
    ASSERT_TRUE(group.allow(all_but_last()));
    const auto machine = discover_topology();
    EXPECT_EQ(machine.allowed_cpus(), all_but_last());
    EXPECT_EQ(machine.allowed_cpus(), this_thread_cpus());
    EXPECT_EQ(machine.find(last())->denied, cpu_denial::cpuset);
    EXPECT_THAT(to_text(machine), ::testing::HasSubstr("cpuset " + group.folder()));
}

TEST_F(cpuset_change, of_version_1_is_seen_when_it_shrinks_and_when_it_grows) {
    const own_cpuset_v1 group;
    ASSERT_TRUE(group.allow(before_.limits->online_cpus) && group.allow(before_.limits->memory_nodes));
    group.enter();
    watch_.emplace(io_);
    shrinks_and_grows(*this, group, before_);
}

}  // namespace
}  // namespace numasio::test
