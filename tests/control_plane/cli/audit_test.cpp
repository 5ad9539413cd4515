// numasioctl audit: what the kernel says of this test's own memory, and what it refuses to say.
#include "ctl.hpp"

#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include <gmock/gmock.h>

namespace numasio::test {
namespace {

using testing::HasSubstr;
using namespace literals;

TEST(audit_command, finds_bound_memory_of_another_process_on_its_node) {
    const auto machine = discover_topology();
    for (const auto& node : machine.nodes) {
        if (node.memory.value == 0 || !node.memory_allowed) { continue; }
        node_region region(8_MiB);
        ASSERT_FALSE(region.bind(node.id, memory_policy::bind));
        ASSERT_FALSE(region.prefault());
        const auto got = ctl("audit " + std::to_string(::getpid()) + " --json");
        ASSERT_EQ(got.status, 0) << got.err;
        const auto document = got.json();
        EXPECT_EQ(document.at("pid").to_number<int>(), ::getpid());
        EXPECT_TRUE(document.at("complete").as_bool());
        const auto id = std::to_string(node.id.value);
        std::uint64_t bound = 0;
        for (const auto& mapping : document.at("mappings").as_array()) {
            if (mapping.at("policy").as_string() != "bind:" + id) { continue; }
            for (const auto& [where, size] : mapping.at("bytes_on_node").as_object()) {
                EXPECT_EQ(where, id);
                bound += size.to_number<std::uint64_t>();
            }
            EXPECT_EQ(mapping.at("misplaced_bytes").to_number<std::uint64_t>(), 0U);
        }
        EXPECT_EQ(bound, (8_MiB).value) << "node " << id;
        EXPECT_EQ(document.at("misplaced_bytes").to_number<std::uint64_t>(), 0U);
        EXPECT_GE(document.at("pages_checked").to_number<std::uint64_t>(), 2048U);
    }
}

TEST(audit_command, of_itself_is_a_table_for_80_columns) {
    const auto got = ctl("audit --self -n 3");
    ASSERT_EQ(got.status, 0) << got.err;
    EXPECT_LE(widest(got.out), 80U) << got.out;
    EXPECT_THAT(got.out, HasSubstr("largest mappings"));
    EXPECT_THAT(got.out, HasSubstr("checked "));
    EXPECT_GT(ctl("audit --self --json").json().at("pid").as_int64(), 0);
    EXPECT_EQ(ctl("audit --self --json -n 2").json().at("mappings").as_array().size(), 2U);
    EXPECT_GE(ctl("audit --self --json").json().at("mappings").as_array().size(), 10U);
}

TEST(audit_command, of_no_process_says_so) {
    const auto got = ctl("audit 4194304");
    EXPECT_EQ(got.status, 1);
    EXPECT_THAT(got.err, HasSubstr("/proc/4194304: no such process"));
}

/// numasioctl where an ordinary user may run it, and the prefix that makes one of root.
struct ordinary_user {
    scratch folder;
    std::string program = folder.file("numasioctl");
    std::string prefix = ::geteuid() == 0 ? "setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all" : "";
    ordinary_user() {
        std::filesystem::copy_file(NUMASIO_CTL, program);
        std::filesystem::permissions(program, std::filesystem::perms(0755));
    }
};

TEST(audit_command, of_another_users_process_names_the_permission_that_is_missing) {
    const ordinary_user user;
    const auto got = ctl("audit 1", user.prefix, user.program);
    EXPECT_EQ(got.status, 1);
    EXPECT_THAT(got.err, HasSubstr("/proc/1/numa_maps: not permitted"));
    EXPECT_THAT(got.err, HasSubstr("CAP_SYS_PTRACE"));
    EXPECT_EQ(ctl("audit --self", user.prefix, user.program).status, 0);
}

TEST(audit_command, without_move_pages_counts_by_numa_maps_alone_and_says_so) {
    const auto got = ctl("audit --self", refusing("move_pages", "EPERM"));
    EXPECT_EQ(got.status, 0) << got.err;
    EXPECT_THAT(got.out, HasSubstr("by numa_maps alone: move_pages was refused"));
    EXPECT_TRUE(ctl("audit --self --json", refusing("move_pages", "EPERM")).json().at("pages_checked").is_null());
}

}  // namespace
}  // namespace numasio::test
