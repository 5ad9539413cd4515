// Reads /proc/PID/numa_maps, maps, comm and status.
#include "src/platform/process_maps.hpp"

#include "src/platform/errno_code.hpp"
#include "src/platform/id_list.hpp"

#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace numasio::platform {
namespace {

namespace fs = std::filesystem;

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) { return std::nullopt; }
    return value;
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

/// The kernel writes a space in a file's name as "\040".
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octal = text[i] == '\\' && i + 3 < text.size() ? number<unsigned>(text.substr(i + 1, 3), 8) : std::nullopt;
        if (octal && *octal < 256) {
            out += static_cast<char>(*octal);
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// "prefer (many):0-1" and "weighted interleave:0-1" are one word each to us.
bool continues(const std::string& policy, const std::string& word) {
    return (policy == "prefer" && begins(word, "(many)")) || (policy == "weighted" && begins(word, "interleave"));
}

void count_misplaced(mapping_memory& mapping) {
    const auto colon = mapping.policy.rfind(':');
    if (!begins(mapping.policy, "bind") || colon == std::string::npos) { return; }
    const auto named = parse_list<node_id>(mapping.policy.substr(colon + 1)).value_or(std::vector<node_id>());
    for (const auto& [node, size] : mapping.on_node) {
        if (!std::binary_search(named.begin(), named.end(), node)) { mapping.misplaced = mapping.misplaced + size; }
    }
}

fs::path folder_of(int pid, const std::string& proc) { return fs::path(proc) / (pid == 0 ? "self" : std::to_string(pid)); }

[[noreturn]] void refuse(int error, const std::string& text) { throw boost::system::system_error(errno_code(error), text); }

std::ifstream open_numa_maps(const fs::path& folder) {
    errno = 0;
    std::ifstream in(folder / "numa_maps");
    if (in) { return in; }
    const int error = errno;
    if (!fs::exists(folder)) {
        refuse(ESRCH, folder.string() + ": no such process, or one that hidepid= hides from this user");
    }
    if (error == ENOENT) { refuse(error, (folder / "numa_maps").string() + ": this kernel has no NUMA support (CONFIG_NUMA)"); }
    refuse(error, (folder / "numa_maps").string() +
                      ": not permitted; run this as the user of that process, as root, or with CAP_SYS_PTRACE");
}

std::uint32_t user_of(const fs::path& folder) {
    std::ifstream status(folder / "status");
    for (std::string line; std::getline(status, line);) {
        if (!begins(line, "Uid:")) { continue; }
        std::uint32_t user = 0;
        std::istringstream(line.substr(4)) >> user;
        return user;
    }
    return 0;
}

}  // namespace

std::optional<mapping_memory> parse_numa_maps_line(const std::string& line) {
    std::istringstream words(line);
    std::string address;
    mapping_memory mapping;
    if (!(words >> address >> mapping.policy)) { return std::nullopt; }
    const auto start = number<std::uint64_t>(address, 16);
    if (!start) { return std::nullopt; }
    mapping.start = *start;
    std::map<node_id, std::uint64_t> pages;
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        const std::string_view value = equals == std::string::npos ? std::string_view() : std::string_view(word).substr(equals + 1);
        if (continues(mapping.policy, word)) {
            mapping.policy += ' ' + word;
        } else if (word == "heap" || word == "stack") {
            mapping.what = word;
        } else if (begins(word, "file=")) {
            mapping.what = unescaped(value);
        } else if (begins(word, "kernelpagesize_kB=")) {
            mapping.page = {number<std::uint64_t>(value).value_or(0) << 10};
        } else if (word.size() > 1 && word[0] == 'N' && equals != std::string::npos) {
            const auto node = number<std::uint32_t>(std::string_view(word).substr(1, equals - 1));
            const auto count = number<std::uint64_t>(value);
            if (node && count) { pages[node_id{*node}] = *count; }
        }
    }
    for (const auto& [node, count] : pages) { mapping.on_node[node] = {count * mapping.page.value}; }
    count_misplaced(mapping);
    return mapping;
}

process_memory read_process(int pid, std::size_t most, const std::string& proc) {
    const fs::path folder = folder_of(pid, proc);
    std::ifstream numa_maps = open_numa_maps(folder);
    process_memory found;
    found.id = pid == 0 ? static_cast<int>(::getpid()) : pid;
    std::ifstream comm(folder / "comm");
    std::getline(comm, found.name);
    found.user = user_of(folder);
    for (std::string line; std::getline(numa_maps, line);) {
        if (found.mappings.size() == most) {
            found.complete = false;
            break;
        }
        if (auto mapping = parse_numa_maps_line(line)) { found.mappings.push_back(std::move(*mapping)); }
    }
    if (!fs::exists(folder)) { refuse(ESRCH, folder.string() + ": the process ended meanwhile"); }
    return found;
}

std::map<std::uint64_t, std::uint64_t> mapping_ends(int pid, const std::string& proc) {
    std::map<std::uint64_t, std::uint64_t> ends;
    std::ifstream maps(folder_of(pid, proc) / "maps");
    for (std::string line; std::getline(maps, line);) {  // "7f85b000-7f85d000 rw-p …"
        const auto dash = line.find('-');
        const auto space = line.find(' ');
        if (dash == std::string::npos || space == std::string::npos || space < dash) { continue; }
        const auto start = number<std::uint64_t>(std::string_view(line).substr(0, dash), 16);
        const auto end = number<std::uint64_t>(std::string_view(line).substr(dash + 1, space - dash - 1), 16);
        if (start && end) { ends[*start] = *end; }
    }
    return ends;
}

}  // namespace numasio::platform
