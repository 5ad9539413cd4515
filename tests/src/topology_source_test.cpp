// Where a topology is read from: hwloc's environment variables, an empty root of the file system, and XML written out again.
#include <numasio/topology.hpp>

#include <numasio/affinity.hpp>
#include <numasio/errc.hpp>

#include "src/hwloc_source.hpp"
#include "src/topology_reading.hpp"

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using namespace numasio;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string nps4 = NUMASIO_SOURCE_DIR "/tests/src/machines/nps4.xml";

/// An environment variable for as long as this lives.
class variable {
public:
    variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }
    variable(const variable&) = delete;
    variable& operator=(const variable&) = delete;

private:
    const char* name_;
};

TEST(topology_source, live_is_the_machine_that_hwlocs_xml_variable_names_and_it_is_not_this_one) {
    const variable named("HWLOC_XMLFILE", nps4);
    const topology machine = discover_topology();
    EXPECT_EQ(machine, discover_topology(nps4));
    EXPECT_EQ(machine.origin, topology_origin::xml);
    EXPECT_EQ(machine.source, nps4);
    EXPECT_FALSE(machine.cpus_are_real());
    EXPECT_EQ(machine.limits, std::nullopt);
    EXPECT_EQ(discover_topology(limits_now()), machine);
    EXPECT_EQ(topology_xml(), topology_xml(nps4));
}

TEST(topology_source, a_synthetic_variable_counts_before_an_xml_one_as_in_hwloc) {
    const variable file("HWLOC_XMLFILE", nps4);
    const variable described("HWLOC_SYNTHETIC", "numa:3 core:1 pu:1");
    EXPECT_EQ(discover_topology().origin, topology_origin::synthetic);
    EXPECT_EQ(discover_topology().source, "numa:3 core:1 pu:1");
    EXPECT_EQ(discover_topology().nodes.size(), 3U);
}

TEST(topology_source, a_machine_that_hwloc_is_told_to_take_for_this_one_still_cannot_be_pinned) {
    const variable named("HWLOC_XMLFILE", nps4);
    const variable believed("HWLOC_THISSYSTEM", "1");
    EXPECT_EQ(discover_topology().origin, topology_origin::xml);
    EXPECT_FALSE(discover_topology().nodes_are_real());
}

TEST(topology_source, a_source_that_is_given_counts_before_the_environment) {
    const variable file("HWLOC_XMLFILE", "/no/such/file");
    EXPECT_EQ(discover_topology("synthetic:numa:2 core:1 pu:1").nodes.size(), 2U);
    EXPECT_EQ(discover_topology(nps4).nodes.size(), 4U);
}

TEST(topology_source, a_variable_that_names_no_machine_is_an_error_and_not_this_machine) {
    const auto refused = [](const char* name, const char* value) {
        const variable wrong(name, value);
        try {
            discover_topology();
            ADD_FAILURE() << name << '=' << value << " was read";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), errc::wrong_topology);
            EXPECT_THAT(e.what(), HasSubstr(value));
        }
    };
    refused("HWLOC_XMLFILE", "/no/such/file.xml");
    refused("HWLOC_SYNTHETIC", "no machine");
}

TEST(topology_source, an_empty_root_of_the_file_system_is_one_node_and_says_so) {
    const fs::path empty = fs::temp_directory_path() / ("numasio_empty_root_" + std::to_string(::getpid()));
    fs::create_directory(empty);
    {
        const variable root("HWLOC_FSROOT", empty.string());
        const topology machine = discover_topology();
        EXPECT_EQ(machine.origin, topology_origin::fallback);
        EXPECT_THAT(machine.source, HasSubstr("HWLOC_FSROOT"));
        EXPECT_EQ(machine.nodes.size(), 1U);
        EXPECT_EQ(machine.allowed_cpus(), this_thread_cpus());
        EXPECT_TRUE(machine.cpus_are_real());
        EXPECT_FALSE(machine.nodes_are_real());
        EXPECT_THAT(to_text(machine), HasSubstr("fallback: hwloc was told"));
    }
    fs::remove(empty);
}

std::string refusal_of(const std::string& source) {
    try {
        static_cast<void>(discover_topology(source));
        return "";
    } catch (const boost::system::system_error& e) {
        return e.what();
    }
}

TEST(topology_source, a_description_of_more_cpus_than_any_kernel_has_is_refused_before_hwloc_takes_minutes_for_it) {
    EXPECT_THAT(refusal_of("synthetic:package:4 core:1000000 pu:2"), HasSubstr("more than 8192 CPUs"));
    EXPECT_THAT(refusal_of("synthetic:1000 1000 1000"), HasSubstr("more than 8192 CPUs"));
    EXPECT_THAT(refusal_of("synthetic:core:0x100000 pu:2"), HasSubstr("more than 8192 CPUs"));
    EXPECT_THAT(refusal_of("synthetic:1000\n1000"), HasSubstr("more than 8192 CPUs"));
    EXPECT_THAT(refusal_of("synthetic:core:18446744073709551615 pu:2"), HasSubstr("more than 8192 CPUs"));
    EXPECT_EQ(discover_topology("synthetic:package:2 [numa(memory=99999)] core:4(indexes=7,6,5,4,3,2,1,0) pu:1").cpus.size(), 8U);
}

TEST(topology_source, an_empty_file_is_called_empty) {
    const auto file = std::filesystem::path(::testing::TempDir()) / "empty_machine.xml";
    std::ofstream(file).close();
    EXPECT_THAT(refusal_of(file.string()), HasSubstr("nothing can be read there (it is empty)"));
    std::filesystem::remove(file);
}

TEST(topology_xml, of_this_machine_reads_back_as_the_same_nodes_and_cpus) {
    const topology here = discover_topology();
    const topology read = detail::read_topology(detail::load_xml(topology_xml()).get(), {});
    ASSERT_EQ(read.cpus.size(), here.cpus.size());
    for (std::size_t i = 0; i < here.cpus.size(); ++i) {
        EXPECT_EQ(read.cpus[i].id, here.cpus[i].id);
        EXPECT_EQ(read.cpus[i].node, here.cpus[i].node);
        EXPECT_EQ(read.cpus[i].core, here.cpus[i].core);
        EXPECT_EQ(read.cpus[i].l3_group, here.cpus[i].l3_group);
    }
    ASSERT_EQ(read.nodes.size(), here.nodes.size());
    for (std::size_t i = 0; i < here.nodes.size(); ++i) { EXPECT_EQ(read.nodes[i].cpus, here.nodes[i].cpus); }
    EXPECT_EQ(read.distances, here.distances);
    EXPECT_EQ(read.accesses, here.accesses);
    EXPECT_EQ(read.limits, std::nullopt);
}

TEST(topology_xml, of_a_source_that_cannot_be_read_fails_as_discovery_does) {
    EXPECT_THROW(topology_xml("/no/such/file.xml"), boost::system::system_error);
    EXPECT_THROW(topology_xml("synthetic:no machine"), boost::system::system_error);
}

}  // namespace
