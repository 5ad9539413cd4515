// docs/plan.md is true: its table is the parser's, its examples parse, its errors are real ones.
#include "control_plane/plan/plan_text.hpp"
#include "control_plane/plan/schema.hpp"

#include <numasio/layout.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace numasio::test {
namespace {

std::string document() {
    std::ifstream in(NUMASIO_SOURCE_DIR "/docs/plan.md");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The code blocks that open with ```kind, in order.
std::vector<std::string> blocks(const std::string& text, const std::string& kind) {
    std::vector<std::string> out;
    const std::string fence = "```" + kind + "\n";
    for (auto at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
        at += fence.size();
        const auto end = text.find("```", at);
        out.push_back(text.substr(at, end - at));
        at = end + 3;
    }
    return out;
}

TEST(plan_docs, list_every_key_with_type_default_and_range) {
    const auto table = detail::schema_markdown();
    EXPECT_NE(document().find("\n" + table + "\n"), std::string::npos) << "docs/plan.md wants this table:\n" << table;
}

TEST(plan_docs, show_examples_that_run_with_the_sample_on_any_machine) {
    const auto examples = blocks(document(), "yaml");
    EXPECT_EQ(examples.size(), 2U);
    for (const auto& yaml : examples) {
        ASSERT_EQ(error_text(yaml), "") << yaml;
        const plan asked = parse_plan(yaml);
        // What samples/kv opens: it ends with an error where either is missing.
        EXPECT_NE(asked.find_pool("kv"), nullptr) << yaml;
        EXPECT_NE(asked.find_listener("kv"), nullptr) << yaml;
        EXPECT_EQ(asked.pools.size(), 1U) << yaml;
        EXPECT_NO_THROW(make_layout(asked, discover_topology("synthetic:numa:1 core:1 pu:1"))) << yaml;
    }
}

TEST(plan_docs, show_an_example_for_an_own_program_that_fits_the_machine_it_names) {
    const auto examples = blocks(document(), "yaml own-program");
    ASSERT_EQ(examples.size(), 1U);
    ASSERT_EQ(error_text(examples[0]), "");
    const auto sites = make_layout(parse_plan(examples[0]), discover_topology("synthetic:numa:2 core:8 pu:1"));
    EXPECT_EQ(sites.workers.size(), 13U);
}

TEST(plan_docs, show_errors_as_they_are) {
    const auto wrong = blocks(document(), "yaml wrong");
    const auto told = blocks(document(), "text");
    ASSERT_EQ(wrong.size(), 1U);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(error_text(wrong[0]) + "\n", told[0]);
}

TEST(plan_docs, show_an_error_of_a_changed_plan_as_it_is) {
    plan changed = parse_plan("version: 1\npools: {kv: auto}\n");
    changed.simulate_nodes = 9;
    const auto told = blocks(document(), "text in code");
    ASSERT_EQ(told.size(), 1U);
    try {
        make_layout(changed, discover_topology("synthetic:numa:1 core:2 pu:1"));
        FAIL() << "nine nodes over two CPUs were accepted";
    } catch (const plan_error& e) { EXPECT_EQ(e.what() + std::string("\n"), told[0]); }
}

}  // namespace
}  // namespace numasio::test
