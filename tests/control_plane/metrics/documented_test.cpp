// docs/metrics.md and docs/status.md name what is served, all of it and nothing else.
#include <control_plane/metrics/exposition.hpp>
#include <control_plane/metrics/status_document.hpp>

#include "example.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace numasio::detail {
namespace {

std::string document(const char* name) {
    std::ostringstream text;
    text << std::ifstream(std::string(NUMASIO_SOURCE_DIR "/docs/") + name).rdbuf();
    return text.str();
}

std::set<std::string> all_matches(const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) { found.insert((*it)[1]); }
    return found;
}

void keys_of(const boost::json::value& value, const std::string& path, std::set<std::string>& into) {
    if (value.is_object()) {
        for (const auto& [key, inner] : value.get_object()) {
            const auto here = path.empty() ? std::string(key) : path + "." + std::string(key);
            if (path == "placements[].pages.on_node") { continue; }  // its keys are node numbers
            into.insert(here);
            // "latency" objects are described once.
            if (inner.is_object() && inner.get_object().contains("p99.9")) { continue; }
            keys_of(inner, here, into);
        }
    } else if (value.is_array()) {
        for (const auto& inner : value.get_array()) { keys_of(inner, path + "[]", into); }
    }
}

TEST(documentation, names_every_metric_and_no_other) {
    const auto served =
        all_matches(metrics_text(test::two_nodes().view()), std::regex(R"(# TYPE (numasio_\w+) )"));
    const auto documented = all_matches(document("metrics.md"), std::regex(R"(\| `(numasio_\w+)` \|)"));
    EXPECT_GT(served.size(), 30U);
    EXPECT_EQ(documented, served);
}

TEST(documentation, names_every_key_of_the_status_document_and_no_other) {
    std::set<std::string> served;
    keys_of(boost::json::parse(status_json(test::two_nodes().view())), "", served);
    const auto documented = all_matches(document("status.md"), std::regex(R"(\| `([^`]+)` \|)"));
    EXPECT_GT(served.size(), 60U);
    EXPECT_EQ(documented, served);
}

}  // namespace
}  // namespace numasio::detail
