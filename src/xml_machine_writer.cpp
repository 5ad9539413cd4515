// Writes a checked machine for hwloc. Everything written is a number, a set or a name from a fixed list: nothing to escape.
#include "src/xml_machine.hpp"

#include <cstdlib>
#include <map>
#include <memory>
#include <new>

namespace numasio::detail {
namespace {

std::string text_of(hwloc_const_bitmap_t set) {
    char* text = nullptr;
    if (hwloc_bitmap_asprintf(&text, set) < 0) { throw std::bad_alloc(); }
    const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
    return text;
}

class writer {
public:
    std::string write(const xml_machine& machine) {
        out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n";
        const hwloc_set none = make_set();
        object(machine.root, none.get(), &machine);
        for (const xml_distances& one : machine.distances) { distances(one); }
        for (const char* name : {"ReadBandwidth", "Bandwidth", "ReadLatency", "Latency"}) { figures(machine, name); }
        out_ += "</topology>\n";
        return std::move(out_);
    }

private:
    void attribute(std::string_view name, const std::string& value) { out_ += ' ' + std::string(name) + "=\"" + value + '"'; }

    void open(std::string_view type, std::uint64_t os_index, hwloc_const_bitmap_t cpus, hwloc_const_bitmap_t complete_cpus,
              hwloc_const_bitmap_t nodes) {
        out_ += "<object";
        attribute("type", std::string(type));
        attribute("os_index", std::to_string(os_index));
        const std::string cpu_text = text_of(cpus);  // the dear part of a large machine: none is made twice
        const std::string node_text = text_of(nodes);
        attribute("cpuset", cpu_text);
        attribute("complete_cpuset", hwloc_bitmap_isequal(complete_cpus, cpus) != 0 ? cpu_text : text_of(complete_cpus));
        attribute("nodeset", node_text);
        attribute("complete_nodeset", node_text);
        attribute("gp_index", std::to_string(++last_gp_));
    }

    // `above`: the nodes that are attached to objects around this one, which are local to it, too.
    void object(const xml_object& one, hwloc_const_bitmap_t above, const xml_machine* machine) {
        const hwloc_set nodes = make_set();
        const hwloc_set around = make_set();
        hwloc_bitmap_or(nodes.get(), above, one.nodes.get());
        hwloc_bitmap_copy(around.get(), above);
        open(one.type, one.os_index, one.cpus.get(), one.complete_cpus.get(), nodes.get());
        if (machine != nullptr) {
            attribute("allowed_cpuset", text_of(machine->allowed_cpus.get()));
            attribute("allowed_nodeset", text_of(machine->allowed_nodes.get()));
        }
        for (const auto& [name, value] : one.attributes) { attribute(name, std::to_string(value)); }
        out_ += ">\n";
        for (const xml_memory& node : one.memory) { memory(node, one.cpus.get(), around.get()); }
        for (const xml_object& child : one.children) { object(child, around.get(), nullptr); }
        out_ += "</object>\n";
    }

    // A node that has CPUs is attached where those are; what it has beyond them is a mistake of the file.
    void memory(const xml_memory& node, hwloc_const_bitmap_t parent, hwloc_bitmap_t around) {
        const hwloc_set cpus = make_set();
        const hwloc_set self = make_set();
        hwloc_bitmap_and(cpus.get(), node.cpus.get(), parent);
        hwloc_bitmap_set(self.get(), node.os_index);
        if (hwloc_bitmap_iszero(cpus.get()) == 0) { hwloc_bitmap_or(around, around, self.get()); }
        open("NUMANode", node.os_index, cpus.get(), cpus.get(), self.get());
        attribute("local_memory", std::to_string(node.size));
        out_ += "/>\n";
        gp_of_[node.gp_index] = last_gp_;
    }

    void distances(const xml_distances& one) {
        out_ += "<distances2 type=\"NUMANode\" nbobjs=\"" + std::to_string(one.nodes.size()) +
                "\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n";
        list("indexes", one.nodes);
        list("u64values", one.values);
        out_ += "</distances2>\n";
    }

    void list(const std::string& name, const std::vector<std::uint64_t>& values) {
        std::string text;
        for (const std::uint64_t value : values) { text += std::to_string(value) + ' '; }
        out_ += '<' + name + " length=\"" + std::to_string(text.size()) + "\">" + text + "</" + name + ">\n";
    }

    void figures(const xml_machine& machine, const std::string& name) {
        std::string values;
        std::swap(out_, values);
        for (const xml_figure& figure : machine.figures) {
            const auto target = gp_of_.find(figure.target);
            if (figure.attribute != name || target == gp_of_.end()) { continue; }
            out_ += "<memattr_value target_obj_type=\"NUMANode\"";
            attribute("target_obj_gp_index", std::to_string(target->second));
            attribute("value", std::to_string(figure.value));
            attribute("initiator_cpuset", text_of(figure.initiator.get()));
            out_ += "/>\n";
        }
        std::swap(out_, values);
        if (values.empty()) { return; }
        // What hwloc itself writes: 1 higher is better, 2 lower is better, 4 by initiator.
        const char* const flags = name.find("Latency") != std::string::npos ? "6" : "5";
        out_ += "<memattr name=\"" + name + "\" flags=\"" + flags + "\">\n" + values + "</memattr>\n";
    }

    std::string out_;
    std::uint64_t last_gp_ = 0;
    std::map<std::uint64_t, std::uint64_t> gp_of_;  // of nodes: the file's → ours
};

}  // namespace

std::string write_xml_machine(const xml_machine& machine) { return writer().write(machine); }

}  // namespace numasio::detail
