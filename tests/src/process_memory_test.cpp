// The kernel's account of a process's memory: its lines, written here in the kernel's form, and this process's own.
#include "src/process_memory.hpp"

#include "src/platform/process_maps.hpp"

#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace {

using namespace numasio;
using namespace numasio::literals;
using numasio::platform::parse_numa_maps_line;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(numa_maps_line, tells_policy_pages_and_file) {
    const auto got = parse_numa_maps_line("7f8fea3d5000 default file=/usr/lib/a\\040b.so mapped=32 mapmax=12 N0=30 N3=2 kernelpagesize_kB=4");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->start, 0x7f8fea3d5000U);
    EXPECT_EQ(got->policy, "default");
    EXPECT_EQ(got->what, "/usr/lib/a b.so");
    EXPECT_EQ(got->page, 4_KiB);
    EXPECT_THAT(got->on_node, ElementsAre(Pair(node_id{0}, bytes{30 * 4096}), Pair(node_id{3}, bytes{2 * 4096})));
    EXPECT_EQ(got->resident(), bytes{32 * 4096});
    EXPECT_EQ(got->misplaced, bytes{0});
}

TEST(numa_maps_line, counts_huge_pages_in_their_own_size) {
    const auto got = parse_numa_maps_line("7f0000000000 bind:1 file=/anon_hugepage\\040(deleted) huge anon=3 dirty=3 N1=3 kernelpagesize_kB=2048");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->page, 2_MiB);
    EXPECT_EQ(got->resident(), 6_MiB);
    EXPECT_EQ(got->what, "/anon_hugepage (deleted)");
}

TEST(numa_maps_line, calls_misplaced_what_is_bound_elsewhere) {
    EXPECT_EQ(parse_numa_maps_line("1000 bind:1-2 anon=9 N0=3 N1=4 N2=2 kernelpagesize_kB=4")->misplaced, bytes{3 * 4096});
    EXPECT_EQ(parse_numa_maps_line("1000 bind=static:1,3 anon=4 N1=4 kernelpagesize_kB=4")->misplaced, bytes{0});
    EXPECT_EQ(parse_numa_maps_line("1000 prefer:1 anon=3 N0=3 kernelpagesize_kB=4")->misplaced, bytes{0});  // may spill
}

TEST(numa_maps_line, keeps_policies_of_two_words_together) {
    EXPECT_EQ(parse_numa_maps_line("1000 prefer (many):0-1 anon=1 N0=1 kernelpagesize_kB=4")->policy, "prefer (many):0-1");
    EXPECT_EQ(parse_numa_maps_line("1000 weighted interleave:0-1 anon=1 N0=1 kernelpagesize_kB=4")->policy, "weighted interleave:0-1");
    EXPECT_EQ(parse_numa_maps_line("1000 default stack anon=1 N0=1 kernelpagesize_kB=4")->what, "stack");
}

TEST(numa_maps_line, that_is_none_is_none) {
    for (const char* line : {"", "x", "zz default", "1000"}) { EXPECT_FALSE(parse_numa_maps_line(line)) << line; }
    const auto odd = parse_numa_maps_line("1000 bind:x N=1 Nx=2 N1= kernelpagesize_kB=z file=\\9");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->resident(), bytes{0});
}

class process_files : public ::testing::Test {
protected:
    process_files() { std::filesystem::create_directories(root_ / "77"); }
    ~process_files() override { std::filesystem::remove_all(root_); }
    void write(const std::string& name, const std::string& text) const { std::ofstream(root_ / "77" / name) << text; }
    const std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("numasio_process_" + std::to_string(::getpid()));
};

TEST_F(process_files, are_read_up_to_the_bound_and_no_further) {
    write("comm", "a b\n");
    write("status", "Name:\ta b\nUid:\t1000\t1001\t1000\t1000\n");
    write("numa_maps", "1000 default anon=1 N0=1 kernelpagesize_kB=4\n2000 default\n3000 default heap anon=1 N1=1 kernelpagesize_kB=4\n");
    const auto all = platform::read_process(77, 3, root_);
    EXPECT_TRUE(all.complete);
    EXPECT_EQ(all.name, "a b");
    EXPECT_EQ(all.user, 1000U);
    EXPECT_EQ(all.mappings.size(), 3U);
    EXPECT_THAT(all.on_node(), ElementsAre(Pair(node_id{0}, 4_KiB), Pair(node_id{1}, 4_KiB)));
    const auto part = platform::read_process(77, 2, root_);
    EXPECT_FALSE(part.complete);
    EXPECT_EQ(part.mappings.size(), 2U);
}

TEST_F(process_files, that_are_not_there_are_told_apart) {
    const auto refused = [&](int pid) -> std::pair<error_code, std::string> {
        try {
            platform::read_process(pid, 10, root_);
        } catch (const boost::system::system_error& e) { return {e.code(), e.what()}; }
        return {};
    };
    EXPECT_EQ(refused(78).first, boost::system::errc::no_such_process);
    EXPECT_EQ(refused(77).first, boost::system::errc::no_such_file_or_directory);
    EXPECT_THAT(refused(77).second, HasSubstr("CONFIG_NUMA"));
}

TEST(audit_process, finds_our_own_bound_pages_and_both_answers_agree) {
    const auto machine = discover_topology();
    const auto node = machine.nearest_memory(machine.executor_nodes().front());
    ASSERT_TRUE(node);
    node_region region(4_MiB);
    ASSERT_FALSE(region.bind(*node, memory_policy::bind));
    ASSERT_FALSE(region.prefault());
    const auto found = audit_process(0);
    const auto start = reinterpret_cast<std::uintptr_t>(region.data().data());
    const auto ours = std::find_if(found.mappings.begin(), found.mappings.end(), [&](const auto& m) { return m.start == start; });
    ASSERT_NE(ours, found.mappings.end());
    EXPECT_EQ(ours->policy, "bind:" + std::to_string(node->value));
    EXPECT_THAT(ours->on_node, ElementsAre(Pair(*node, 4_MiB)));
    EXPECT_FALSE(found.check_refused) << found.check_refused.message();
    EXPECT_GE(found.pages_checked, 1024U);
    EXPECT_GE(found.pages_agreed * 100, found.pages_checked * 99);
    EXPECT_EQ(audit_process(0, {65'536, 0}).pages_checked, 0U);
}

}  // namespace
