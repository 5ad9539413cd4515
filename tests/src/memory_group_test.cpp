// Control groups as the kernel shows them: the files are written here, their form is the kernel's.
#include "src/platform/memory_group.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using numasio::platform::room_in_group;

class memory_group : public ::testing::Test {
protected:
    memory_group() { fs::create_directories(root_); }
    ~memory_group() override { fs::remove_all(root_); }

    void write(const fs::path& file, const std::string& text) const {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }
    void member_of(const std::string& lines) const { write("membership", lines); }
    auto room() const { return room_in_group(root_ / "membership", root_ / "mount"); }

    const fs::path root_ = fs::temp_directory_path() / ("numasio_memory_group_" + std::to_string(::getpid()));
};

TEST_F(memory_group, of_version_2_tells_limit_use_and_file_cache) {
    member_of("0::/system.slice/kv.service\n");
    write("mount/system.slice/kv.service/memory.max", "104857600\n");
    write("mount/system.slice/kv.service/memory.current", "20971520\n");
    write("mount/system.slice/kv.service/memory.stat", "anon 1000\nfile 9000\ninactive_file 4000\nactive_file 2000\n");
    const auto got = room();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->limit.value, 104'857'600U);
    EXPECT_EQ(got->used.value, 20'971'520U);
    EXPECT_EQ(got->reclaimable.value, 3000U);
}

TEST_F(memory_group, of_version_1_has_other_names_and_a_folder_of_its_own) {
    member_of("9:name=systemd:/\n5:devices:/\n4:cpu,memory:/docker/abc\n0::/\n");
    write("mount/memory/docker/abc/memory.limit_in_bytes", "50000000\n");
    write("mount/memory/docker/abc/memory.usage_in_bytes", "10000000\n");
    write("mount/memory/docker/abc/memory.stat", "total_inactive_file 200\ntotal_active_file 100\n");
    const auto got = room();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->limit.value, 50'000'000U);
    EXPECT_EQ(got->reclaimable.value, 150U);
}

TEST_F(memory_group, the_tightest_on_the_way_up_counts) {
    member_of("0::/a/b\n");
    write("mount/a/b/memory.max", "max\n");
    write("mount/a/b/memory.current", "10\n");
    write("mount/a/memory.max", "1000\n");
    write("mount/a/memory.current", "900\n");
    write("mount/memory.max", "5000\n");
    write("mount/memory.current", "1000\n");
    ASSERT_TRUE(room());
    EXPECT_EQ(room()->limit.value, 1000U);
}

TEST_F(memory_group, a_container_that_sees_itself_as_the_root_is_found_there) {
    member_of("0::/../../kubepods/pod1/c1\n");
    write("mount/memory.max", "4096\n");
    write("mount/memory.current", "96\n");
    ASSERT_TRUE(room());
    EXPECT_EQ(room()->limit.value, 4096U);
}

TEST_F(memory_group, without_a_limit_there_is_none) {
    EXPECT_FALSE(room());  // no such file
    member_of("0::/\n");
    EXPECT_FALSE(room());
    write("mount/memory.max", "max\n");
    write("mount/memory.current", "96\n");
    EXPECT_FALSE(room());
    member_of("4:memory:/\n");
    write("mount/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("mount/memory/memory.usage_in_bytes", "96\n");
    EXPECT_FALSE(room());
    member_of("rubbish\n:\n::\n\n");
    EXPECT_FALSE(room());
}

}  // namespace
