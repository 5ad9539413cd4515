// numasioctl latency: a figure for each pair of nodes, or the reason why there is none.
#include "ctl.hpp"

#include <numasio/topology.hpp>

#include <gmock/gmock.h>

#include <chrono>
#include <map>

namespace numasio::test {
namespace {

using testing::HasSubstr;

const std::string quick = "latency --size 4MiB --time 0.01";

TEST(latency_command, measures_every_pair_that_has_memory) {
    const auto machine = discover_topology();
    const auto got = ctl(quick + " --json");
    ASSERT_EQ(got.status, 0) << got.err;
    const auto document = got.json();
    std::map<std::pair<std::uint32_t, std::uint32_t>, boost::json::value> cells;
    for (const auto& cell : document.at("cells").as_array()) {
        cells[{cell.at("from").to_number<std::uint32_t>(), cell.at("to").to_number<std::uint32_t>()}] = cell;
    }
    EXPECT_EQ(cells.size(), machine.executor_nodes().size() * machine.nodes.size());
    for (const auto from : machine.executor_nodes()) {
        for (const auto& to : machine.nodes) {
            const auto& cell = cells.at({from.value, to.id.value});
            if (to.memory.value == 0) {
                EXPECT_TRUE(cell.at("latency_ns").is_null());
                EXPECT_EQ(cell.at("not_measured").as_string(), "the node has no memory");
                continue;
            }
            EXPECT_GT(cell.at("latency_ns").to_number<double>(), 0.1);
            EXPECT_GT(cell.at("read_bytes_per_second").to_number<double>(), 1e6);
            EXPECT_TRUE(cell.at("not_measured").is_null());
        }
    }
    const auto text = ctl(quick);
    EXPECT_EQ(text.status, 0);
    EXPECT_LE(widest(text.out), 80U) << text.out;
    EXPECT_THAT(text.out, HasSubstr("latency, ns"));
    EXPECT_THAT(text.err, testing::IsEmpty());  // nobody watches: no progress
}

TEST(latency_command, says_not_measured_where_binding_is_refused) {
    const auto got = ctl(quick, refusing("mbind", "EPERM"));
    EXPECT_EQ(got.status, 3);
    EXPECT_THAT(got.out, HasSubstr("not measured: memory cannot be bound there"));
    const auto document = ctl(quick + " --json", refusing("mbind", "EPERM")).json();
    for (const auto& cell : document.at("cells").as_array()) { EXPECT_TRUE(cell.at("latency_ns").is_null()); }
}

TEST(latency_command, says_not_measured_where_nobody_tells_the_places_of_pages) {
    const auto got = ctl(quick, refusing("move_pages", "EPERM"));
    EXPECT_EQ(got.status, 3);
    EXPECT_THAT(got.out, HasSubstr("does not say where pages are"));
}

TEST(latency_command, says_not_measured_where_threads_cannot_be_pinned) {
    const auto got = ctl(quick + " --json", refusing("sched_setaffinity", "EPERM"));
    EXPECT_EQ(got.status, 3) << got.out;
    const auto document = got.json();
    for (const auto& cell : document.at("cells").as_array()) { EXPECT_TRUE(cell.at("latency_ns").is_null()); }
}

TEST(latency_command, measures_nothing_on_machines_that_are_not_there) {
    for (const char* source : {"simulated:1", "synthetic:numa:2 core:2 pu:1"}) {
        const auto got = ctl(std::string("latency -t '") + source + "'");
        EXPECT_EQ(got.status, 3) << source;
        EXPECT_THAT(got.out, HasSubstr("not measured")) << source;
        EXPECT_EQ(ctl(std::string("latency --json -t '") + source + "'").json().at("cells").as_array().size(), 0U);
    }
}

TEST(latency_command, keeps_to_the_total_that_it_is_given) {
    const auto begin = std::chrono::steady_clock::now();
    const auto got = ctl("latency --size 1MiB --time 10 --total 0.2 --json");
    EXPECT_EQ(got.status, 0) << got.err;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(9));
    EXPECT_LE(got.json().at("seconds_each").to_number<double>(), 0.1);
}

}  // namespace
}  // namespace numasio::test
