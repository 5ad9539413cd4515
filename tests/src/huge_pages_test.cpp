// Pools of huge pages as the kernel shows them: the files are written here, their form is the kernel's.
#include "src/platform/huge_pages.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using numasio::bytes;
using numasio::node_id;
using numasio::platform::huge_page_pools;

class huge_pages : public ::testing::Test {
protected:
    ~huge_pages() override { fs::remove_all(root_); }

    void write(const fs::path& file, const std::string& text) const {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }

    const fs::path root_ = fs::temp_directory_path() / ("numasio_huge_pages_" + std::to_string(::getpid()));
};

TEST_F(huge_pages, are_listed_by_node_and_ascending_size) {
    write("node3/hugepages/hugepages-1048576kB/nr_hugepages", "2\n");
    write("node3/hugepages/hugepages-1048576kB/free_hugepages", "1\n");
    write("node3/hugepages/hugepages-2048kB/nr_hugepages", "16\n");
    write("node3/hugepages/hugepages-2048kB/free_hugepages", "16\n");
    const auto pools = huge_page_pools(node_id{3}, root_);
    ASSERT_EQ(pools.size(), 2U);
    EXPECT_EQ(pools[0].page, bytes{2U << 20});
    EXPECT_EQ(pools[0].total, 16U);
    EXPECT_EQ(pools[0].free, 16U);
    EXPECT_EQ(pools[1].page, bytes{1U << 30});
    EXPECT_EQ(pools[1].total, 2U);
    EXPECT_EQ(pools[1].free, 1U);
    EXPECT_TRUE(huge_page_pools(node_id{0}, root_).empty());
}

TEST_F(huge_pages, that_cannot_be_read_count_as_none) {
    write("node0/hugepages/hugepages-2048kB/nr_hugepages", "");
    write("node0/hugepages/something-else/nr_hugepages", "7\n");
    write("node0/hugepages/hugepages-12zB/nr_hugepages", "7\n");
    const auto pools = huge_page_pools(node_id{0}, root_);
    ASSERT_EQ(pools.size(), 1U);
    EXPECT_EQ(pools[0].total, 0U);
}

}  // namespace
