// Pinning is what the kernel says it is.
#include <numasio/affinity.hpp>

#include "support/threads.hpp"

#include <numasio/topology.hpp>

#include <gmock/gmock.h>
#include <pthread.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

namespace {

using namespace numasio;
using numasio::test::on_new_thread;

std::string own_name() {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    return name.data();
}

TEST(affinity, every_allowed_cpu_can_be_pinned_to_and_is_where_the_thread_then_runs) {
    for (const cpu_id cpu : discover_topology().allowed_cpus()) {
        on_new_thread([cpu] {
            const std::array<cpu_id, 1> asked{cpu};
            EXPECT_FALSE(pin_this_thread(asked));
            EXPECT_THAT(this_thread_cpus(), testing::ElementsAre(cpu));
            EXPECT_EQ(current_cpu(), cpu);
        });
    }
}

TEST(affinity, order_and_repetition_of_the_asked_cpus_do_not_matter) {
    on_new_thread([] {
        std::vector<cpu_id> cpus = this_thread_cpus();
        const std::vector<cpu_id> ascending = cpus;
        cpus.insert(cpus.end(), ascending.rbegin(), ascending.rend());
        std::swap(cpus.front(), cpus.back());
        EXPECT_FALSE(pin_this_thread(cpus));
        EXPECT_EQ(this_thread_cpus(), ascending);
    });
}

TEST(affinity, a_cpu_that_does_not_exist_is_the_kernels_errno) {
    on_new_thread([] {
        const auto before = this_thread_cpus();
        for (const std::uint32_t number : {1023U, 4000U, 1U << 19, 1U << 20, 0xffffffffU}) {
            const std::array<cpu_id, 1> asked{cpu_id{number}};
            EXPECT_EQ(pin_this_thread(asked), boost::system::errc::invalid_argument) << number;
        }
        EXPECT_EQ(this_thread_cpus(), before);
    });
}

TEST(affinity, a_set_that_the_kernel_honours_in_part_only_is_refused) {
    on_new_thread([] {
        const std::array<cpu_id, 2> asked{this_thread_cpus().front(), cpu_id{4000}};
        EXPECT_EQ(pin_this_thread(asked), errc::pin_refused);
    });
}

TEST(affinity, an_empty_set_is_an_invalid_argument) {
    EXPECT_EQ(pin_this_thread({}), boost::system::errc::invalid_argument);
}

TEST(affinity, a_long_name_is_cut_to_what_the_kernel_keeps) {
    on_new_thread([] {
        EXPECT_FALSE(name_this_thread("numasio/kv/0"));
        EXPECT_EQ(own_name(), "numasio/kv/0");
        EXPECT_FALSE(name_this_thread("a name that is too long for the kernel"));
        EXPECT_EQ(own_name(), "a name that is ");
        EXPECT_FALSE(name_this_thread(""));
        EXPECT_EQ(own_name(), "");
    });
}

TEST(affinity, every_memory_policy_is_accepted_for_an_allowed_node) {
    const topology machine = discover_topology();
    for (const node_info& node : machine.nodes) {
        if (node.memory.value == 0 || !node.memory_allowed) { continue; }
        on_new_thread([&node] {
            EXPECT_FALSE(set_this_thread_memory(node.id, memory_policy::bind));
            EXPECT_FALSE(set_this_thread_memory(node.id, memory_policy::preferred));
            EXPECT_FALSE(set_this_thread_memory(node.id, memory_policy::local));
        });
    }
}

TEST(affinity, memory_on_a_node_that_does_not_exist_is_the_kernels_errno) {
    on_new_thread([] {
        // 64 is where `1UL << node` would wrap around to node 0 and be accepted.
        for (const std::uint32_t number : {63U, 64U, 1023U, 32767U, 32768U, 0xffffffffU}) {
            EXPECT_EQ(set_this_thread_memory({number}, memory_policy::bind), boost::system::errc::invalid_argument)
                << number;
        }
    });
}

}  // namespace
