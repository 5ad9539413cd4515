// Reads a plan from a file or from memory: text, tree, plan, and all problems at once.
#include <numasio/load_plan.hpp>

#include "control_plane/bridge/plan_values.hpp"
#include "control_plane/plan/plan_reader.hpp"
#include "control_plane/plan/problem_list.hpp"
#include "control_plane/plan/yaml_text.hpp"
#include "control_plane/plan/yaml_tree.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace numasio {
namespace {

[[noreturn]] void unreadable(const std::string& path, const std::string& why) {
    throw plan_error({{{path, 0, 0}, "", "cannot be read: " + why, "a readable YAML file", "check the path"}});
}

}  // namespace

plan parse_plan(std::string_view yaml, const std::string& name) {
    detail::problem_list problems(name);
    plan out;
    if (const auto root = detail::read_yaml(yaml, problems)) { out = detail::read_plan(*root, problems); }
    std::move(problems).throw_if_any();
    detail::remember_values(out);
    return out;
}

plan load_plan(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) { unreadable(path, "it is a directory"); }
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in) { unreadable(path, std::generic_category().message(errno)); }
    // One byte past the limit is enough for parse_plan to refuse; an endless file ends here too.
    std::string text(detail::largest_plan + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) { unreadable(path, std::generic_category().message(errno)); }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return parse_plan(text, path);
}

}  // namespace numasio
