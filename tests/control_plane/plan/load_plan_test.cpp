// load_plan: a file becomes a plan, and a file that cannot be read becomes an error that names it.
#include "control_plane/plan/plan_text.hpp"

#include <numasio/layout.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace numasio::test {
namespace {

class load_plan_test : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "numasio-plan-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& text) const {
        const std::string path = folder_ + "/plan.yaml";
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    static plan_problem only_problem(const std::string& path) {
        try {
            load_plan(path);
        } catch (const plan_error& e) {
            EXPECT_EQ(e.problems().size(), 1U) << e.what();
            return e.problems().at(0);
        }
        ADD_FAILURE() << path << " was accepted";
        return {};
    }

    std::string folder_;
};

TEST_F(load_plan_test, reads_a_file) {
    const plan p = load_plan(file("version: 1\npools: {kv: {lane: 7}}\n"));
    EXPECT_EQ(p.pools.at(0).lane.capacity, 7U);
    EXPECT_EQ(p.marks.at("version").file, folder_ + "/plan.yaml");
}

TEST_F(load_plan_test, names_a_file_that_is_not_there) {
    const auto problem = only_problem(folder_ + "/no.yaml");
    EXPECT_EQ(problem.where.file, folder_ + "/no.yaml");
    EXPECT_EQ(problem.what, "cannot be read: No such file or directory");
}

TEST_F(load_plan_test, names_a_directory) {
    EXPECT_EQ(only_problem(folder_).what, "cannot be read: it is a directory");
}

TEST_F(load_plan_test, tells_an_error_with_the_files_name) {
    EXPECT_EQ(
        to_text(only_problem(file("version: 1\npools: {kv: {lane: 0}}\n"))),
        folder_ +
            "/plan.yaml:2:20: pools.kv.lane.capacity: \"0\" is too small; expected a whole number from 1 to 1048576");
}

std::string refusal(const plan& asked) {
    try {
        make_layout(asked, discover_topology("synthetic:numa:1 core:2 pu:1"));
    } catch (const plan_error& e) { return e.what(); }
    return {};
}

TEST_F(load_plan_test, gives_each_value_the_place_where_it_stands) {
    const plan p = parse_plan("version: 1\nsimulate_nodes: 9\npools:\n  kv:\n    cpus: [7, 8]\n", "risk.yaml");
    EXPECT_EQ(refusal(p),
              "risk.yaml:2:1: simulate_nodes: 9 pretend nodes, and this process may use 2 CPUs; expected a whole "
              "number from 0 to 1024, at most one for each CPU that this process may use (take 2 or fewer)\n"
              "risk.yaml:5:5: pools.kv.cpus: CPUs 7-8 are not on this machine; expected CPUs among 0-1");
}

TEST_F(load_plan_test, does_not_blame_the_file_for_what_was_changed_after_loading) {
    plan p = parse_plan("version: 1\nsimulate_nodes: 1\npools:\n  kv: {lane: 16}\n", "risk.yaml");
    p.simulate_nodes = 9;
    p.pools[0].lane.capacity = 0;
    p.pools[0].idle.spin = std::chrono::seconds(1);
    const auto text = refusal(p);
    EXPECT_EQ(text.find("risk.yaml"), std::string::npos) << text;
    EXPECT_NE(text.find("simulate_nodes: 9 pretend nodes, and this process may use 2 CPUs (set in code or on the "
                        "command line); expected"), std::string::npos) << text;
    EXPECT_NE(text.find("pools.kv.lane.capacity: 0 is too small (set in code or on the command line); expected"),
              std::string::npos) << text;
    EXPECT_NE(text.find("pools.kv.idle.spin: 1s is too large (set in code or on the command line); expected"),
              std::string::npos) << text;
}

TEST_F(load_plan_test, ends_for_an_endless_file) { EXPECT_EQ(only_problem("/dev/zero").what, "has more than 1 MiB"); }

}  // namespace
}  // namespace numasio::test
