// Reads hwloc's XML with Boost's parser and refuses what no machine is.
#include "src/xml_machine.hpp"

#include "src/xml_nesting.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <sstream>

namespace numasio::detail {
namespace {

using boost::property_tree::ptree;

constexpr std::size_t deepest = 64;
constexpr std::uint64_t id_limit = 1U << 20;  // no kernel has more CPUs or nodes

// What hwloc nests, and devices, which a topology has no use for.
constexpr std::array<std::string_view, 15> kept{"Package", "Die", "Group", "L5Cache", "L4Cache", "L3Cache", "L2Cache", "L1Cache",
                                                "L3iCache", "L2iCache", "L1iCache", "Core", "PU", "NUMANode", "MemCache"};
constexpr std::array<std::string_view, 4> left_out{"Misc", "Bridge", "PCIDev", "OSDev"};
constexpr std::array<std::string_view, 7> numbers{"cache_size", "depth", "cache_linesize", "cache_type", "kind",
                                                  "subkind",    "dont_merge"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::uint64_t number(std::string_view text, const char* what) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw xml_problem(std::string(what) + " is \"" + std::string(text.substr(0, 40)) + "\", expected a number");
    }
    return value;
}

std::vector<std::uint64_t> list_of_numbers(const std::string& text, const char* what) {
    std::vector<std::uint64_t> values;
    std::istringstream in(text);
    for (std::string word; in >> word;) { values.push_back(number(word, what)); }
    return values;
}

std::optional<std::string> attribute(const ptree& element, const char* name) {
    const auto attributes = element.find("<xmlattr>");
    if (attributes == element.not_found()) { return std::nullopt; }
    const auto found = attributes->second.find(name);
    if (found == attributes->second.not_found()) { return std::nullopt; }
    return found->second.data();
}

std::string required(const ptree& element, const char* name) {
    auto value = attribute(element, name);
    if (!value) { throw xml_problem(std::string("an object lacks its ") + name); }
    return *value;
}

std::uint32_t id(const ptree& element, const char* what) {
    const std::uint64_t value = number(required(element, "os_index"), what);
    if (value >= id_limit) { throw xml_problem(std::string(what) + " is " + std::to_string(value) + ", which no kernel has"); }
    return static_cast<std::uint32_t>(value);
}

bool hexadecimal(std::string_view text, std::uint32_t& value) {
    if (text.substr(0, 2) == "0x") { text.remove_prefix(2); }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc{} && end == text.data() + text.size();
}

// "0x1,,0x30000000": words of 32 bits, the highest first, an empty one for zero. Read here because hwloc's own reader ends the
// process on an empty first word; "0xf...f" has no end and names no machine.
hwloc_set set_of(const std::string& text) {
    hwloc_set set = make_set();
    unsigned base = 0;
    for (std::size_t end = text.size(), begin = 0; !text.empty(); end = begin - 1, base += 32) {
        const std::size_t comma = end == 0 ? std::string::npos : text.rfind(',', end - 1);
        begin = comma == std::string::npos ? 0 : comma + 1;
        std::uint32_t word = 0;
        if (begin != end && !hexadecimal(text.substr(begin, end - begin), word)) {
            throw xml_problem("\"" + text.substr(0, 40) + "\" is no finite set of CPUs or nodes");
        }
        if (word != 0 && base >= id_limit) { throw xml_problem("a set has numbers that no kernel has"); }
        for (unsigned bit = 0; bit < 32; ++bit) {
            if ((word >> bit & 1U) != 0) { hwloc_bitmap_set(set.get(), base + bit); }
        }
        if (begin == 0) { break; }
    }
    return set;
}

class reader {
public:
    xml_machine read(const ptree& document) {
        const auto topology = document.find("topology");
        if (topology == document.not_found()) { throw xml_problem("it has no element \"topology\""); }
        const std::string version = attribute(topology->second, "version").value_or("1");
        const std::string major = version.substr(0, version.find('.'));
        if (major != "2" && major != "3") {  // what is read here is the same in both
            throw xml_problem("its format is version " + version.substr(0, 8) +
                              " and not 2 or 3 (lstopo of hwloc 2 converts older ones: lstopo OLD.xml NEW.xml)");
        }
        const auto machine = topology->second.find("object");
        if (machine == topology->second.not_found() || required(machine->second, "type") != "Machine") {
            throw xml_problem("its first object is not a Machine");
        }
        read_root(machine->second);
        for (const auto& [name, element] : topology->second) {
            if (name == "distances2") { read_distances(element); }
            if (name == "memattr") { read_figures(element); }
        }
        return std::move(out_);
    }

private:
    void read_root(const ptree& element) {
        out_.root = object(element, "Machine");
        if (hwloc_bitmap_iszero(out_.root.cpus.get()) != 0) { throw xml_problem("it has no PU"); }
        if (hwloc_bitmap_iszero(out_.root.nodes.get()) != 0) { throw xml_problem("it has no NUMANode"); }
        settle_offline(out_.root);
        out_.allowed_cpus = allowed(element, "allowed_cpuset", out_.root.cpus.get());
        out_.allowed_nodes = allowed(element, "allowed_nodeset", out_.root.nodes.get());
    }

    static hwloc_set allowed(const ptree& element, const char* name, hwloc_const_bitmap_t all) {
        const auto text = attribute(element, name);
        hwloc_set set = text ? set_of(*text) : make_set();
        if (!text) { hwloc_bitmap_copy(set.get(), all); }
        hwloc_bitmap_and(set.get(), set.get(), all);
        if (hwloc_bitmap_iszero(set.get()) != 0) { throw xml_problem(std::string("its ") + name + " allows nothing that it has"); }
        return set;
    }

    xml_object object(const ptree& element, const std::string& type) {
        xml_object found;
        found.type = type;
        found.complete_cpus = set_of(attribute(element, "complete_cpuset").value_or(""));
        if (const auto os = attribute(element, "os_index")) { found.os_index = number(*os, "os_index"); }
        for (const std::string_view name : numbers) {
            if (const auto value = attribute(element, name.data())) { found.attributes.emplace_back(name, number(*value, name.data())); }
        }
        if (type == "PU") {
            const std::uint32_t cpu = id(element, "a PU's os_index");
            if (++pu_count_ > most_cpus) { throw xml_problem("it has more than " + std::to_string(most_cpus) + " PUs, which no Linux kernel has"); }
            if (hwloc_bitmap_isset(pus_.get(), cpu) != 0) { throw xml_problem("PU " + std::to_string(cpu) + " is there twice"); }
            hwloc_bitmap_set(pus_.get(), cpu);
            hwloc_bitmap_set(found.cpus.get(), cpu);
            return found;
        }
        add_children(element, found);
        return found;
    }

    void add_children(const ptree& element, xml_object& parent) {
        for (const auto& [name, child] : element) {
            if (name != "object") { continue; }
            const std::string type = required(child, "type");
            if (among(left_out, type)) { continue; }
            if (!among(kept, type)) { throw xml_problem("an object's type is \"" + type.substr(0, 40) + "\""); }
            if (type == "NUMANode") {
                add_memory(child, parent);
            } else if (type == "MemCache") {
                add_children(child, parent);  // its nodes are what counts
            } else {
                add(object(child, type), parent);
            }
        }
    }

    // Without a CPU an object is nothing but the memory that it holds.
    static void add(xml_object child, xml_object& parent) {
        hwloc_bitmap_or(parent.cpus.get(), parent.cpus.get(), child.cpus.get());
        hwloc_bitmap_or(parent.nodes.get(), parent.nodes.get(), child.nodes.get());
        if (hwloc_bitmap_iszero(child.cpus.get()) == 0) {
            parent.children.push_back(std::move(child));
            return;
        }
        std::move(child.memory.begin(), child.memory.end(), std::back_inserter(parent.memory));
    }

    // Leaves each CPU that does not run to one object and those around it, as each that runs is: the first that named it.
    void settle_offline(xml_object& one) {
        for (xml_object& child : one.children) { settle_offline(child); }
        hwloc_bitmap_t const complete = one.complete_cpus.get();
        hwloc_bitmap_andnot(complete, complete, pus_.get());
        hwloc_bitmap_andnot(complete, complete, offline_.get());
        hwloc_bitmap_or(offline_.get(), offline_.get(), complete);
        hwloc_bitmap_or(complete, complete, one.cpus.get());
        for (const xml_object& child : one.children) { hwloc_bitmap_or(complete, complete, child.complete_cpus.get()); }
    }

    void add_memory(const ptree& element, xml_object& parent) {
        const std::uint32_t node = id(element, "a NUMANode's os_index");
        if (hwloc_bitmap_isset(nodes_.get(), node) != 0) { throw xml_problem("NUMANode " + std::to_string(node) + " is there twice"); }
        hwloc_bitmap_set(nodes_.get(), node);
        hwloc_bitmap_set(parent.nodes.get(), node);
        parent.memory.push_back({node, number(attribute(element, "local_memory").value_or("0"), "local_memory"),
                                 number(attribute(element, "gp_index").value_or("0"), "gp_index"),
                                 set_of(required(element, "cpuset"))});
    }

    void read_distances(const ptree& element) {
        if (attribute(element, "type") != "NUMANode" || attribute(element, "name") != "NUMALatency") { return; }
        xml_distances read;
        for (const auto& [name, child] : element) {
            auto values = list_of_numbers(name == "indexes" || name == "u64values" ? child.data() : "", "a distance");
            auto& into = name == "indexes" ? read.nodes : read.values;
            into.insert(into.end(), values.begin(), values.end());
        }
        hwloc_set seen = make_set();
        for (const std::uint64_t node : read.nodes) {
            const auto bit = static_cast<unsigned>(node);
            if (node >= id_limit || hwloc_bitmap_isset(nodes_.get(), bit) == 0 || hwloc_bitmap_isset(seen.get(), bit) != 0) {
                throw xml_problem("its distances are of node " + std::to_string(node) + ", which is not there once");
            }
            hwloc_bitmap_set(seen.get(), bit);
        }
        if (read.nodes.size() < 2 || read.values.size() != read.nodes.size() * read.nodes.size()) {
            throw xml_problem("it has " + std::to_string(read.values.size()) + " distances of " + std::to_string(read.nodes.size()) +
                              " nodes");
        }
        out_.distances.push_back(std::move(read));
    }

    void read_figures(const ptree& element) {
        constexpr std::array<std::string_view, 4> known{"ReadLatency", "Latency", "ReadBandwidth", "Bandwidth"};
        const std::string attribute_name = attribute(element, "name").value_or("");
        if (!among(known, attribute_name)) { return; }
        for (const auto& [name, child] : element) {
            const auto initiator = attribute(child, "initiator_cpuset");
            if (name != "memattr_value" || !initiator || attribute(child, "target_obj_type") != "NUMANode") { continue; }
            xml_figure figure{attribute_name, number(required(child, "target_obj_gp_index"), "target_obj_gp_index"),
                              set_of(*initiator), number(required(child, "value"), "value")};
            hwloc_bitmap_and(figure.initiator.get(), figure.initiator.get(), out_.root.cpus.get());
            if (hwloc_bitmap_iszero(figure.initiator.get()) == 0) { out_.figures.push_back(std::move(figure)); }
        }
    }

    xml_machine out_;
    hwloc_set pus_ = make_set();
    std::size_t pu_count_ = 0;
    hwloc_set offline_ = make_set();  // that settle_offline() gave to an object
    hwloc_set nodes_ = make_set();
};

}  // namespace

xml_machine read_xml_machine(std::string_view text) {
    if (text.size() > longest_xml) { throw xml_problem("it is longer than 64 MiB"); }
    if (text.find('\0') != std::string_view::npos) { throw xml_problem("it holds a zero byte"); }
    if (!nested_within(text, deepest)) { throw xml_problem("its elements are nested as no machine's are, or it is cut off"); }
    ptree document;
    try {
        std::istringstream in{std::string(text)};
        boost::property_tree::read_xml(in, document, boost::property_tree::xml_parser::no_comments);
    } catch (const boost::property_tree::xml_parser_error& e) {
        throw xml_problem("line " + std::to_string(e.line()) + ": " + e.message());
    }
    return reader().read(document);
}

}  // namespace numasio::detail
