// Collects what is wrong with a plan file, place by place, up to a bound.
#include "control_plane/plan/problem_list.hpp"

#include <algorithm>
#include <tuple>

namespace numasio::detail {

void problem_list::add(text_place at, std::string key, complaint problem) {
    if (full()) {
        ++left_out_;
        return;
    }
    problems_.push_back({mark(at), std::move(key), std::move(problem.what), std::move(problem.expected),
                         std::move(problem.suggestion)});
}

void problem_list::throw_if_any() && {
    if (problems_.empty()) { return; }
    std::sort(problems_.begin(), problems_.end(), [](const plan_problem& a, const plan_problem& b) {
        return std::tie(a.where.line, a.where.column, a.key) < std::tie(b.where.line, b.where.column, b.key);
    });
    if (left_out_ != 0) {
        problems_.push_back({problems_.back().where, "", std::to_string(left_out_) + " more problems are not shown",
                             "a plan without problems", "mend these first"});
    }
    throw plan_error(std::move(problems_));
}

}  // namespace numasio::detail
