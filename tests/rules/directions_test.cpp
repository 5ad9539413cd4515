// The tree keeps the house's directions, and a made-up tree that breaks them is caught line by line.
#include "directions.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace numasio::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What is said about a file with the one include `line`, in a tree with a file of each folder.
std::vector<std::string> said_about(std::string path, const std::string& line) {
    tree files = {
        {"include/numasio/port.hpp", ""},   {"include/numasio/detail/lane.hpp", ""},
        {"src/topology.hpp", ""},           {"src/platform/futex.hpp", ""},
        {"hot_path/worker.hpp", ""},        {"control_plane/bridge/core.hpp", ""},
        {"control_plane/http/server.hpp", ""}, {"samples/kv/store.hpp", ""},
        {"samples/other/part.hpp", ""},
    };
    files.push_back({std::move(path), "// A made-up file.\n" + line + "\n"});
    std::vector<std::string> said;
    for (const auto& v : wrong_directions(files)) {
        EXPECT_EQ(v.line, 2);
        said.push_back(v.what);
    }
    return said;
}

TEST(directions, the_tree_includes_only_in_allowed_directions) {
    EXPECT_THAT(wrong_directions(read_tree(NUMASIO_SOURCE_DIR)), IsEmpty());
}

TEST(directions, every_folder_of_the_house_is_looked_at) {
    const tree all = read_tree(NUMASIO_SOURCE_DIR);
    for (const std::string_view folder :
         {"include/numasio/", "include/numasio/detail/", "src/", "src/platform/", "hot_path/", "control_plane/",
          "control_plane/bridge/", "tests/", "samples/"}) {
        tree part;
        std::copy_if(all.begin(), all.end(), std::back_inserter(part),
                     [&](const source_file& f) { return starts_with(f.path, folder); });
        EXPECT_GT(count_includes(part), 0U) << folder;
    }
}

TEST(directions, the_assembly_file_exists_and_is_where_the_planes_meet) {
    const tree all = read_tree(NUMASIO_SOURCE_DIR);
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& f) { return f.path == assembly_file; });
    ASSERT_NE(found, all.end()) << assembly_file;
    EXPECT_THAT(found->text, HasSubstr("#include \"hot_path/"));
}

struct sample_include {
    std::string path;
    std::string line;
};
void PrintTo(const sample_include& s, std::ostream* out) { *out << s.path << ": " << s.line; }

class wrong_include : public testing::TestWithParam<sample_include> {};
TEST_P(wrong_include, is_caught) { EXPECT_EQ(said_about(GetParam().path, GetParam().line).size(), 1U); }
INSTANTIATE_TEST_SUITE_P(
    each_kind, wrong_include,
    testing::Values(
        sample_include{"include/numasio/a.hpp", "#include <hwloc.h>"},
        sample_include{"include/numasio/a.hpp", "#include <boost/beast/http.hpp>"},
        sample_include{"include/numasio/a.hpp", "#include <boost/lockfree/spsc_queue.hpp>"},
        sample_include{"include/numasio/a.hpp", "#include <yaml-cpp/yaml.h>"},
        sample_include{"include/numasio/a.hpp", "#include \"../../src/topology.hpp\""},
        sample_include{"include/numasio/a.hpp", "#include <src/topology.hpp>"},
        sample_include{"include/numasio/a.hpp", "#include <sys/mman.h>"},
        sample_include{"include/numasio/detail/a.hpp", "#include <hot_path/worker.hpp>"},
        sample_include{"include/numasio/detail/a.hpp", "#include <boost/json.hpp>"},
        sample_include{"include/numasio/a.hpp", "#include A_NAME"},
        sample_include{"src/a.cpp", "#include <hot_path/worker.hpp>"},
        sample_include{"src/a.cpp", "#include <control_plane/http/server.hpp>"},
        sample_include{"src/a.cpp", "#include \"../hot_path/worker.hpp\""},
        sample_include{"src/a.cpp", "#include \"hot_path/no_such_file.hpp\""},
        sample_include{"src/a.cpp", "#include <yaml-cpp/yaml.h>"},
        sample_include{"src/a.cpp", "#include <sched.h>"},
        sample_include{"src/platform/a.cpp", "#include <hot_path/worker.hpp>"},
        sample_include{"hot_path/a.cpp", "#include <control_plane/bridge/core.hpp>"},
        sample_include{"hot_path/a.cpp", "  #  include <boost/json.hpp>"},
        sample_include{"hot_path/a.cpp", "#include <spdlog/spdlog.h>"},
        sample_include{"hot_path/a.cpp", "#include <hwloc.h>"},
        sample_include{"control_plane/http/a.cpp", "#include <hot_path/worker.hpp>"},
        sample_include{"control_plane/http/a.cpp", "#include <hwloc.h>"},
        sample_include{"control_plane/bridge/a.cpp", "#include <hot_path/worker.hpp>"},
        sample_include{"control_plane/bridge/a.cpp", "#include \"../http/server.hpp\""},
        sample_include{"control_plane/bridge/a.cpp", "#include <boost/beast.hpp>"},
        sample_include{"control_plane/bridge/a.cpp", "#include <boost/json/value.hpp>"},
        sample_include{"control_plane/bridge/a.cpp", "#include <yaml-cpp/yaml.h>"},
        sample_include{"samples/kv/a.cpp", "#include <numasio/detail/lane.hpp>"},
        sample_include{"samples/kv/a.cpp", "#include <src/topology.hpp>"},
        sample_include{"samples/kv/a.cpp", "#include \"../../hot_path/worker.hpp\""},
        sample_include{"samples/kv/a.cpp", "#include \"../other/part.hpp\""}));

class right_include : public testing::TestWithParam<sample_include> {};
TEST_P(right_include, is_let_through) { EXPECT_THAT(said_about(GetParam().path, GetParam().line), IsEmpty()); }
INSTANTIATE_TEST_SUITE_P(
    each_kind, right_include,
    testing::Values(
        sample_include{"include/numasio/a.hpp", "#include <vector>"},
        sample_include{"include/numasio/a.hpp", "#include <boost/asio/post.hpp>"},
        sample_include{"include/numasio/a.hpp", "#include <numasio/detail/lane.hpp>"},
        sample_include{"include/numasio/a.hpp", "// #include <hwloc.h>"},
        sample_include{"include/numasio/detail/a.hpp", "#include <boost/lockfree/spsc_queue.hpp>"},
        sample_include{"src/a.cpp", "#include <hwloc.h>"},
        sample_include{"src/a.cpp", "#include \"platform/futex.hpp\""},
        sample_include{"src/platform/a.cpp", "#include <sys/mman.h>"},
        sample_include{"hot_path/a.cpp", "#include \"worker.hpp\""},
        sample_include{"hot_path/a.cpp", "#include <src/topology.hpp>"},
        sample_include{"control_plane/http/a.cpp", "#include <boost/beast/http.hpp>"},
        sample_include{"control_plane/http/a.cpp", "#include \"../bridge/core.hpp\""},
        sample_include{std::string(assembly_file), "#include <hot_path/worker.hpp>"},
        sample_include{"tests/hot_path/a.cpp", "#include <hot_path/worker.hpp>"},
        sample_include{"samples/kv/a.cpp", "#include \"store.hpp\""},
        sample_include{"samples/kv/a.cpp", "#include <numasio/port.hpp>"}));

}  // namespace
}  // namespace numasio::rules
