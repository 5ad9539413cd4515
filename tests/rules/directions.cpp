// Resolves each include line to a place in the house or to a library, and looks it up in the table.
#include "directions.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>
#include <set>

namespace numasio::rules {
namespace {

using names = std::vector<std::string_view>;

/// What the files below `place` may include. The first matching row counts: the longer paths come first.
struct row {
    std::string_view place;
    names house;                    ///< folders of the house
    names libraries;                ///< beside the C++ standard library
    bool any_library = false;
};

const names vocabulary = {"boost/asio", "boost/system", "boost/smart_ptr"};
const names with_lanes = {"boost/asio", "boost/system", "boost/smart_ptr", "boost/lockfree"};
const names control_libraries = {"boost", "yaml-cpp", "prometheus", "spdlog", "fmt", "CLI", "systemd"};

const std::vector<row>& table() {
    static const std::vector<row> rows = {
        {"include/numasio/detail/", {"include/"}, with_lanes},
        {"include/", {"include/"}, vocabulary},
        {"src/platform/", {"include/", "src/"}, {}, true},
        {"src/", {"include/", "src/"}, {"hwloc", "numa", "numaif", "boost/system", "boost/interprocess", "boost/property_tree"}},
        {"hot_path/", {"include/", "src/", "hot_path/"}, with_lanes},
        {"control_plane/bridge/", {"include/", "src/", "control_plane/bridge/"}, with_lanes},
        {"control_plane/", {"include/", "src/", "control_plane/"}, control_libraries},
        {"tests/", {"include/", "src/", "hot_path/", "control_plane/", "tests/"}, {}, true},
        {"bench/", {"include/", "src/", "hot_path/", "control_plane/", "bench/", "tests/support/"}, {}, true},
        {"samples/", {"include/", "samples/"}, {}, true},
    };
    return rows;
}

struct include_line {
    int line = 0;
    std::string name;
    bool quoted = false;
    bool computed = false;
};

std::vector<include_line> includes_of(const source_file& file) {
    static const std::regex pattern(R"(^\s*#\s*(?:include|include_next|import)\b\s*(.*?)\s*$)");
    std::vector<include_line> found;
    const std::string code = without_comments(file.text);
    int number = 0;
    for (const auto line : lines_of(code)) {
        ++number;
        std::match_results<std::string_view::const_iterator> match;
        if (!std::regex_match(line.begin(), line.end(), match, pattern)) { continue; }
        const std::string operand = match[1].str();
        const auto end = operand.find_first_of(">\"", 1);
        if (operand.size() < 3 || (operand[0] != '<' && operand[0] != '"') || end == std::string::npos) {
            found.push_back({number, operand, false, true});
        } else {
            found.push_back({number, operand.substr(1, end - 1), operand[0] == '"', false});
        }
    }
    return found;
}

/// The path in the house that an include means; nothing where it means a library.
std::optional<std::string> in_house(const std::set<std::string>& paths, const source_file& from,
                                    const include_line& line) {
    const auto normal = [](const std::filesystem::path& p) { return p.lexically_normal().generic_string(); };
    if (line.quoted) {
        const auto beside = normal(std::filesystem::path(from.path).parent_path() / line.name);
        if (paths.contains(beside)) { return beside; }
    }
    const std::string name = normal(line.name);
    if (starts_with(name, "numasio/")) { return "include/" + name; }
    for (const auto& candidate : {name, "tests/" + name, "bench/" + name}) {
        if (paths.contains(candidate)) { return candidate; }
    }
    for (const std::string_view folder : {"include/", "src/", "hot_path/", "control_plane/", "tests/", "bench/"}) {
        if (starts_with(name, folder)) { return name; }  // no such file, but a wrong direction all the same
    }
    if (starts_with(name, "../")) { return name; }
    return std::nullopt;
}

bool is_standard(std::string_view name) { return name.find_first_of("./") == std::string_view::npos; }

bool listed(const names& libraries, std::string_view name) {
    return std::any_of(libraries.begin(), libraries.end(), [name](std::string_view library) {
        return starts_with(name, library) && name.size() > library.size() &&
               (name[library.size()] == '/' || name[library.size()] == '.');
    });
}

std::optional<std::string> wrong(const row& allowed, const std::set<std::string>& paths, const source_file& from,
                                 const include_line& line) {
    if (line.computed) { return "an include that is computed by a macro cannot be checked: write its name"; }
    const auto target = in_house(paths, from, line);
    if (!target) {
        if (allowed.any_library || is_standard(line.name) || listed(allowed.libraries, line.name)) { return {}; }
        return "library header " + line.name + " is not for " + std::string(allowed.place);
    }
    const bool sample = allowed.place == "samples/";
    if (sample && starts_with(*target, "include/numasio/detail/")) { return "a sample uses no internals: " + *target; }
    if (sample && !starts_with(*target, "include/")) {
        const auto own = from.path.substr(0, from.path.find('/', allowed.place.size()) + 1);
        if (!starts_with(*target, own)) { return "a sample is a project of its own: " + *target; }
        return {};
    }
    if (from.path == assembly_file && starts_with(*target, "hot_path/")) { return {}; }
    const bool fine = std::any_of(allowed.house.begin(), allowed.house.end(),
                                  [&](std::string_view folder) { return starts_with(*target, folder); });
    if (fine) { return {}; }
    return std::string(allowed.place) + " must not include " + *target;
}

template <class Visit>
void for_each_include(const tree& files, Visit visit) {
    for (const auto& file : files) {
        if (!is_cpp(file.path)) { continue; }
        const auto found = std::find_if(table().begin(), table().end(),
                                        [&](const row& r) { return starts_with(file.path, r.place); });
        if (found == table().end()) { continue; }
        for (const auto& line : includes_of(file)) { visit(*found, file, line); }
    }
}

}  // namespace

std::vector<violation> wrong_directions(const tree& files) {
    std::set<std::string> paths;
    for (const auto& file : files) { paths.insert(file.path); }
    std::vector<violation> found;
    for_each_include(files, [&](const row& allowed, const source_file& file, const include_line& line) {
        if (auto what = wrong(allowed, paths, file, line)) { found.push_back({file.path, line.line, *what}); }
    });
    return found;
}

std::size_t count_includes(const tree& files) {
    std::size_t count = 0;
    for_each_include(files, [&](const row&, const source_file&, const include_line&) { ++count; });
    return count;
}

}  // namespace numasio::rules
