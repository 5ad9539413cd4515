// XML that no hwloc wrote is refused in words or put right before hwloc sees it: as it is, hwloc 2.9 crashes or leaks on it.
#include "src/xml_machine.hpp"

#include "src/topology_reading.hpp"
#include "src/xml_nesting.hpp"

#include <numasio/errc.hpp>
#include <numasio/topology.hpp>

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>

namespace {

using namespace numasio;
using testing::HasSubstr;

const std::string node = R"(<object type="NUMANode" os_index="0" cpuset="0x3" gp_index="5" local_memory="1024"/>)";
const std::string pus = R"(<object type="PU" os_index="0"/><object type="PU" os_index="1"/>)";

std::string machine_of(const std::string& inside, const std::string& behind = "", const std::string& attributes = "") {
    return R"(<topology version="2.0"><object type="Machine" )" + attributes + ">" + inside + "</object>" + behind + "</topology>";
}

topology load(const std::string& text) { return detail::read_topology(detail::load_xml(text).get(), {}); }

std::string refusal(const std::string& text) {
    try {
        load(text);
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), errc::wrong_topology);
        return e.what();
    }
    return "accepted";
}

TEST(xml_machine, needs_no_more_than_pus_and_a_node) {
    const topology machine = load(machine_of(node + pus));
    EXPECT_EQ(machine.cpus.size(), 2U);
    EXPECT_EQ(machine.nodes.size(), 1U);
    EXPECT_EQ(machine.nodes[0].memory.value, 1024U);
}

TEST(xml_machine, is_refused_with_what_is_wrong) {
    EXPECT_THAT(refusal(""), HasSubstr("\"topology\""));
    EXPECT_THAT(refusal("<topology version=\"2.0\"><object"), HasSubstr("cut off"));
    EXPECT_THAT(refusal("<topology version></topology>"), HasSubstr("line 1"));
    EXPECT_THAT(refusal("<other/>"), HasSubstr("no element \"topology\""));
    EXPECT_THAT(refusal("<topology version=\"2.0\"/>"), HasSubstr("not a Machine"));
    EXPECT_THAT(refusal(machine_of(node)), HasSubstr("no PU"));
    EXPECT_THAT(refusal(machine_of(pus)), HasSubstr("no NUMANode"));
    EXPECT_THAT(refusal(machine_of(node + pus + pus)), HasSubstr("PU 0 is there twice"));
    EXPECT_THAT(refusal(machine_of(node + node + pus)), HasSubstr("NUMANode 0 is there twice"));
    EXPECT_THAT(refusal(machine_of(node + pus + R"(<object type="PU"/>)")), HasSubstr("lacks its os_index"));
    EXPECT_THAT(refusal(machine_of(node + pus + R"(<object type="PU" os_index="-1"/>)")), HasSubstr("expected a number"));
    EXPECT_THAT(refusal(machine_of(node + pus + R"(<object type="PU" os_index="4294967295"/>)")), HasSubstr("no kernel has"));
    EXPECT_THAT(refusal(machine_of(node + pus + R"(<object type="Blob"/>)")), HasSubstr("type is \"Blob\""));
    EXPECT_THAT(refusal(machine_of(node + pus, "", R"(allowed_cpuset="0x4")")), HasSubstr("allows nothing"));
    EXPECT_THAT(refusal(machine_of(node + pus, "", R"(complete_cpuset="0xf...f")")), HasSubstr("no finite set"));
    EXPECT_THAT(refusal(machine_of(node + pus) + std::string(1, '\0')), HasSubstr("zero byte"));
    EXPECT_THAT(refusal(std::string(detail::longest_xml + 1, ' ')), HasSubstr("64 MiB"));
}

TEST(xml_machine, of_hwloc_1_is_refused_and_the_remedy_is_told) {
    EXPECT_THAT(refusal(R"(<topology><object type="Machine"/></topology>)"), HasSubstr("lstopo OLD.xml NEW.xml"));
}

TEST(xml_machine, of_hwloc_3_is_read_although_the_hwloc_here_may_be_older) {
    std::string text = machine_of(node + pus);
    text.replace(text.find("2.0"), 3, "3.0");
    EXPECT_EQ(load(text), load(machine_of(node + pus)));
}

TEST(xml_machine, numbers_cores_as_they_lie_in_the_machine_also_where_the_first_of_them_are_offline) {
    const topology machine = load(machine_of(R"(<object type="NUMANode" os_index="0" cpuset="0xff"/>
        <object type="Package" os_index="0" complete_cpuset="0x55"><object type="Core"><object type="PU" os_index="6"/></object></object>
        <object type="Package" os_index="1" complete_cpuset="0xaa"><object type="Core"><object type="PU" os_index="3"/></object></object>)"));
    EXPECT_EQ(machine.find(cpu_id{6})->core, 0U);
    EXPECT_EQ(machine.find(cpu_id{3})->core, 1U);
    EXPECT_EQ(to_list(machine.offline_cpus), "0-2,4-5,7");
}

TEST(xml_machine, gives_a_cpu_whose_node_is_not_shown_to_the_first_that_has_cpus) {
    const topology machine = load(machine_of(R"(<object type="Package"><object type="PU" os_index="0"/></object>
        <object type="Package"><object type="NUMANode" os_index="3" cpuset="0x2"/><object type="PU" os_index="1"/></object>
        <object type="Package"><object type="NUMANode" os_index="2" cpuset="0x4"/><object type="PU" os_index="2"/></object>)"));
    EXPECT_EQ(machine.find(cpu_id{0})->node, node_id{2});
    EXPECT_EQ(machine.find(cpu_id{1})->node, node_id{3});
}

TEST(xml_machine, has_as_many_distances_as_pairs_of_its_nodes_or_is_refused) {
    const auto with = [](const std::string& nodes, const std::string& values) {
        const std::string second = R"(<object type="NUMANode" os_index="7" cpuset="0x0" gp_index="6"/>)";
        return machine_of(node + second + pus, R"(<distances2 type="NUMANode" name="NUMALatency"><indexes>)" + nodes +
                                                   "</indexes><u64values>" + values + "</u64values></distances2>");
    };
    EXPECT_EQ(load(with("0 7", "10 20 21 10")).distance({7}, {0}), 21U);
    EXPECT_THAT(refusal(with("0 7", "10 20 21")), HasSubstr("3 distances of 2 nodes"));
    EXPECT_THAT(refusal(with("0 8", "10 20 21 10")), HasSubstr("node 8"));
    EXPECT_THAT(refusal(with("0 0", "10 20 21 10")), HasSubstr("node 0"));
    EXPECT_THAT(refusal(with("0 7", "10 20 far 10")), HasSubstr("expected a number"));
}

TEST(xml_machine, is_as_its_pus_say_where_its_sets_say_something_else) {
    const topology machine = load(machine_of(R"(<object type="Package" os_index="3" cpuset="0xff0">)" + node + pus + "</object>"));
    EXPECT_EQ(to_list(machine.nodes[0].cpus), "0-1");
    EXPECT_TRUE(machine.offline_cpus.empty());
}

TEST(xml_machine, keeps_the_memory_of_an_object_without_cpus_and_leaves_devices_out) {
    const topology machine = load(machine_of(
        node + pus + R"(<object type="Package"><object type="MemCache"><object type="NUMANode" os_index="4" cpuset="0x0"
        local_memory="9"/></object></object><object type="Bridge"><object type="PCIDev" os_index="junk"/></object>)"));
    ASSERT_NE(machine.find(node_id{4}), nullptr);
    EXPECT_EQ(machine.find(node_id{4})->memory.value, 9U);
    EXPECT_EQ(machine.cpus.size(), 2U);
}

TEST(xml_machine, sets_are_words_from_the_highest_on_and_an_empty_one_is_zero) {
    const auto offline = [](const std::string& set) {
        return to_list(load(machine_of(node + pus, "", "complete_cpuset=\"" + set + '"')).offline_cpus);
    };
    EXPECT_EQ(offline("0x00000005,,0x80000003"), "31,64,66");
    EXPECT_EQ(offline(",0x4"), "2");  // hwloc's own reader ends the process here
    EXPECT_EQ(offline("0x1,"), "32");
    EXPECT_EQ(offline(""), "");
    for (const char* wrong : {"0x1 0x2", "0x", "x1", "0x123456789", "-1", "0x1;", "0x1,0xg"}) {
        EXPECT_THAT(refusal(machine_of(node + pus, "", std::string("complete_cpuset=\"") + wrong + '"')),
                    HasSubstr("no finite set"));
    }
    EXPECT_THAT(refusal(machine_of(node + pus, "", "complete_cpuset=\"0x1" + std::string(40'000, ',') + '"')),
                HasSubstr("no kernel has"));
}

TEST(xml_machine, nested_a_million_deep_is_refused_before_it_is_parsed) {
    std::string deep = "<topology version=\"2.0\">";
    for (int i = 0; i < 1'000'000; ++i) { deep += "<object>"; }
    EXPECT_THAT(refusal(deep), HasSubstr("nested"));
}

TEST(xml_nesting, counts_what_the_parser_sees) {
    const auto within_2 = [](const char* text) { return detail::nested_within(text, 2); };
    EXPECT_TRUE(within_2("<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"b\"><a><b/><b></b><b/></a>"));
    EXPECT_FALSE(within_2("<a><b><c></c></b></a>"));
    EXPECT_FALSE(within_2("<a><b x='/>'><c></c></b></a>")) << "an attribute closes nothing";
    EXPECT_FALSE(within_2("<a><b><!-- </b></a> --><c></c></b></a>")) << "a comment closes nothing";
    EXPECT_TRUE(within_2("<a><!-- <b><c><d> --></a>"));
    EXPECT_FALSE(within_2("<a><![CDATA[</a>]]></a>"));
    EXPECT_FALSE(within_2("<!DOCTYPE a [ <!ENTITY b \"</a>\"> ]><a></a>"));
    EXPECT_FALSE(within_2("</a>"));
    EXPECT_FALSE(within_2("<a"));
    EXPECT_FALSE(within_2("<!-- "));
}

}  // namespace
