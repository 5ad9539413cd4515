// Has hwloc load a machine. Reads only: hwloc never pins for us.
#include "src/hwloc_source.hpp"

#include "src/xml_machine.hpp"

#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <system_error>

namespace numasio::detail {
namespace {

hwloc_handle make_hwloc() {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) { throw std::bad_alloc(); }
    hwloc_handle handle(raw, &hwloc_topology_destroy);
    // The whole machine, so that what is not allowed can be shown as such; and hands off the caller's affinity
    // (hwloc's x86 part would visit every CPU).
    hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
    return handle;
}

[[noreturn]] void refuse(std::string_view source, const std::string& why) {
    throw boost::system::system_error(make_error_code(errc::wrong_topology),
                                      "topology \"" + std::string(source) + "\": " + why);
}

void load(hwloc_topology_t machine, std::string_view source) {
    if (hwloc_topology_load(machine) != 0) {
        refuse(source, "hwloc cannot load it; expected an XML file written by lstopo or a synthetic description");
    }
}

// The file, or a little more of it than is taken: a device could go on for ever.
std::string text_of(const std::string& file) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::string text;
    for (std::array<char, 65536> part{}; in && text.size() <= longest_xml;) {
        in.read(part.data(), static_cast<std::streamsize>(part.size()));
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    }
    return text;
}

// Not the file itself: see xml_machine.hpp.
void load_text(hwloc_topology_t machine, std::string_view text, std::string_view source) try {
    const std::string checked = write_xml_machine(read_xml_machine(text));
    if (hwloc_topology_set_xmlbuffer(machine, checked.c_str(), static_cast<int>(checked.size() + 1)) != 0) {
        refuse(source, "hwloc cannot read it");
    }
    load(machine, source);
} catch (const xml_problem& problem) {
    refuse(source, std::string(problem.what()) + "; expected an XML file written by lstopo");
}

// CPUs of a synthetic description: the product of its levels' numbers, "2" or "core:2", without attributes and attached memory.
std::uint64_t cpus_of_synthetic(const std::string& description) {
    std::uint64_t cpus = 1;
    int nested = 0;
    for (std::size_t at = 0; at < description.size(); ++at) {
        const char c = description[at];
        if (c == '(' || c == '[') { ++nested; }
        if (c == ')' || c == ']') { --nested; }
        const bool begins = at == 0 || std::strchr(" \n\t:", description[at - 1]) != nullptr;
        if (nested != 0 || !begins || c < '0' || c > '9') { continue; }
        const std::uint64_t level = std::strtoull(description.c_str() + at, nullptr, 0);  // as hwloc reads it
        if (level == 0) { continue; }
        if (cpus > most_cpus / level) { return most_cpus + 1; }
        cpus *= level;
    }
    return cpus;
}

}  // namespace

hwloc_set make_set() {
    hwloc_set set(hwloc_bitmap_alloc(), &hwloc_bitmap_free);
    if (set == nullptr) { throw std::bad_alloc(); }
    return set;
}

hwloc_handle load_live() {
    hwloc_handle handle = make_hwloc();
    if (hwloc_topology_load(handle.get()) != 0) { handle.reset(); }
    return handle;
}

hwloc_handle load_described(std::string_view source) {
    hwloc_handle handle = make_hwloc();
    if (source.substr(0, synthetic_prefix.size()) == synthetic_prefix) {
        const std::string description(source.substr(synthetic_prefix.size()));
        if (cpus_of_synthetic(description) > most_cpus) {
            refuse(source, "describes more than " + std::to_string(most_cpus) + " CPUs, which no Linux kernel has");
        }
        if (hwloc_topology_set_synthetic(handle.get(), description.c_str()) != 0) {
            refuse(source, "not a description that hwloc understands, such as \"synthetic:numa:2 core:4 pu:2\"");
        }
        load(handle.get(), source);
        return handle;
    }
    const std::string text = text_of(std::string(source));
    if (text.empty()) {
        refuse(source, "nothing can be read there (" + (errno == 0 ? "it is empty" : std::generic_category().message(errno)) + "); expected \"live\", \"synthetic:DESCRIPTION\" or an XML file written by lstopo");
    }
    load_text(handle.get(), text, source);
    return handle;
}

hwloc_handle load_xml(std::string_view text) {
    hwloc_handle handle = make_hwloc();
    load_text(handle.get(), text, "(XML text)");
    return handle;
}

std::string source_from_environment() {
    const auto value = [](const char* name) -> std::string {
        const char* const text = std::getenv(name);
        return text == nullptr ? "" : text;
    };
    if (const std::string described = value("HWLOC_SYNTHETIC"); !described.empty()) {
        return std::string(synthetic_prefix) + described;
    }
    return value("HWLOC_XMLFILE");
}

}  // namespace numasio::detail
