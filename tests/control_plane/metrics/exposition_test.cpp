// The Prometheus text: golden, honest about what was not measured, and without a complaint from promtool.
#include <control_plane/metrics/exposition.hpp>

#include "example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace numasio::detail {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// All lines that begin with `start`.
std::vector<std::string> lines_with(const std::string& text, const std::string& start) {
    std::vector<std::string> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.compare(0, start.size(), start) == 0) { found.push_back(line); }
    }
    return found;
}

double value_of(const std::string& line) { return std::stod(line.substr(line.rfind(' ') + 1)); }

TEST(exposition, is_the_golden_text_for_the_example) {
    test::expect_golden("two_nodes.prom", metrics_text(test::two_nodes().view()));
}

TEST(exposition, leaves_out_locality_that_was_not_measured) {
    const auto text = metrics_text(test::two_nodes().view());
    EXPECT_EQ(lines_with(text, "numasio_page_locality_ratio{"),
              std::vector<std::string>{R"(numasio_page_locality_ratio{pool="kv",worker="0",node="0"} 1)"});
    EXPECT_EQ(lines_with(text, "numasio_execution_locality_ratio{").size(), 1U);

    auto none = test::two_nodes();
    for (auto& w : none.now.workers) {
        w.page_locality.reset();
        w.execution_locality.reset();
    }
    EXPECT_THAT(metrics_text(none.view()), Not(HasSubstr("locality")));
}

TEST(exposition, shows_no_page_locality_of_simulated_nodes_and_says_simulated) {
    const auto text = metrics_text(test::simulated().view());
    EXPECT_THAT(text, Not(HasSubstr("page_locality")));
    EXPECT_THAT(text, Not(HasSubstr("pages_sampled")));
    EXPECT_THAT(text, HasSubstr(R"(numasio_topology_info{origin="simulated",simulated="true"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(subject="cpu",outcome="simulated"} 1)"));
}

TEST(exposition, adds_up_offered_to_accepted_rejected_and_returned_and_histograms_to_their_counts) {
    const auto text = metrics_text(test::two_nodes().view());
    const auto sum = [&](const std::string& name) {
        double total = 0;
        for (const auto& line : lines_with(text, "numasio_" + name + "{")) { total += value_of(line); }
        return total;
    };
    EXPECT_GT(sum("lane_offered_total"), 0);
    EXPECT_EQ(sum("lane_offered_total"), sum("lane_accepted_total") + sum("lane_rejected_total") +
                                              sum("lane_returned_total") + sum("lane_withdrawn_total") + sum("lane_waiting"));
    EXPECT_EQ(sum("lane_accepted_total"), sum("requests_ran_total") + sum("requests_cancelled_total") + sum("requests_expired_total") +
                                              sum("requests_dropped_total") + sum("requests_shed_total") + sum("requests_stopped_total") +
                                              sum("lane_queued"));
    EXPECT_EQ(sum("round_trip_seconds_count"), 2 * 96);
    EXPECT_NEAR(sum("round_trip_seconds_sum"), 2 * (90 * 30e-6 + 6 * 2e-3), 1e-9);
    double infinite = 0;
    for (const auto& line : lines_with(text, "numasio_round_trip_seconds_bucket{")) {
        if (line.find(R"(le="+Inf")") != std::string::npos) { infinite += value_of(line); }
    }
    EXPECT_EQ(infinite, sum("round_trip_seconds_count"));
}

TEST(exposition, repeats_no_series_where_two_placements_or_reasons_are_alike) {
    auto e = test::two_nodes();
    e.now.placements.push_back(e.now.placements[1]);
    e.now.degraded.push_back(e.now.degraded[0]);
    EXPECT_EQ(metrics_text(e.view()), metrics_text(test::two_nodes().view()));
}

TEST(exposition, bounds_the_reasons_in_number_and_length) {
    auto e = test::two_nodes();
    e.now.degraded.clear();
    for (int i = 0; i < 1000; ++i) { e.now.degraded.push_back(std::to_string(i) + std::string(1000, 'x')); }
    e.now.degraded[0] = std::string(199, 'x') + "\u00e9";  // its two bytes stand across the cut
    const auto lines = lines_with(metrics_text(e.view()), "numasio_degraded_reason_info{");
    ASSERT_EQ(lines.size(), 64U);
    for (const auto& line : lines) { EXPECT_LT(line.size(), 260U); }
    EXPECT_EQ(lines[0], R"(numasio_degraded_reason_info{reason=")" + std::string(199, 'x') + R"("} 1)");
}

TEST(exposition, draws_no_complaint_from_promtool) {
    int number = 0;
    for (const auto& e : {test::two_nodes(), test::one_node(), test::simulated(), test::large(8, 256)}) {
        const std::string stem = std::string(NUMASIO_BINARY_DIR "/promtool-") + std::to_string(number++);
        std::ofstream(stem + ".prom") << metrics_text(e.view());
        const int status =
            std::system(("promtool check metrics < '" + stem + ".prom' > '" + stem + ".out' 2>&1").c_str());
        std::ostringstream said;
        said << std::ifstream(stem + ".out").rdbuf();
        EXPECT_EQ(status, 0) << "promtool (Debian package prometheus): " << said.str();
        EXPECT_TRUE(said.str().find("numasio") == std::string::npos) << said.str();
    }
}

}  // namespace
}  // namespace numasio::detail
