// The text of a plan's problems, one line each.
#include <numasio/plan_error.hpp>

#include <utility>

namespace numasio {
namespace {

std::string all_lines(const std::vector<plan_problem>& problems) {
    std::string text;
    for (const plan_problem& problem : problems) {
        if (!text.empty()) { text += '\n'; }
        text += to_text(problem);
    }
    return text;
}

}  // namespace

plan_error::plan_error(std::vector<plan_problem> problems)
    : std::runtime_error(all_lines(problems)), problems_(std::move(problems)) {}

std::string to_text(const plan_problem& problem) {
    std::string line = problem.where.file;  // empty for a plan built in code
    if (!line.empty()) {
        if (problem.where.line > 0) {
            line += ':' + std::to_string(problem.where.line) + ':' + std::to_string(problem.where.column);
        }
        line += ": ";
    }
    if (!problem.key.empty()) { line += problem.key + ": "; }
    line += problem.what;
    if (!problem.expected.empty()) { line += "; expected " + problem.expected; }
    if (!problem.suggestion.empty()) { line += " (" + problem.suggestion + ")"; }
    return line;
}

}  // namespace numasio
