// The parts of hwloc's XML that a topology is made of, checked, and written again for hwloc to load. Private to src/.
//
// hwloc 2.9 crashes and leaks on XML that is not what it wrote itself. So it is never given a file as it is: the file is
// read by an XML parser, held to what a machine can be, and hwloc loads what is written from that.
#pragma once

#include "src/hwloc_source.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace numasio::detail {

/// What is wrong with an XML text, in words.
struct xml_problem : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct xml_memory {
    std::uint32_t os_index;
    std::uint64_t size;
    std::uint64_t gp_index;  ///< how the file's own memory attributes name it
    hwloc_set cpus;
};

/// A machine, package, die, group, cache, core or PU. CPU sets are made from the PUs below, not read.
struct xml_object {
    std::string type;
    std::uint64_t os_index = 0;
    std::vector<std::pair<std::string, std::uint64_t>> attributes;
    std::vector<xml_memory> memory;
    std::vector<xml_object> children;
    hwloc_set cpus = make_set();
    hwloc_set complete_cpus = make_set();  ///< with those offline; hwloc orders objects by it
    hwloc_set nodes = make_set();          ///< below and here
};

struct xml_distances {
    std::vector<std::uint64_t> nodes;
    std::vector<std::uint64_t> values;  ///< row by row
};

struct xml_figure {
    std::string attribute;
    std::uint64_t target;  ///< gp_index
    hwloc_set initiator;
    std::uint64_t value;
};

struct xml_machine {
    xml_object root;
    hwloc_set allowed_cpus = make_set();
    hwloc_set allowed_nodes = make_set();
    std::vector<xml_distances> distances;
    std::vector<xml_figure> figures;
};

/// Threads: any. Blocks: never. Cost: linear in the text. Fails: throws xml_problem, std::bad_alloc.
xml_machine read_xml_machine(std::string_view text);
/// In hwloc's format version 2.
std::string write_xml_machine(const xml_machine& machine);

constexpr std::size_t longest_xml = std::size_t{64} << 20;
/// As many as a Linux kernel can be built for. hwloc takes minutes for a description of some times as many.
constexpr std::size_t most_cpus = 8192;

}  // namespace numasio::detail
