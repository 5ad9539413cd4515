// What is wrong with a plan, all of it at once, each with its place and its remedy.
#pragma once

#include <numasio/plan.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace numasio {

struct plan_problem {
    plan_mark where;
    std::string key;         ///< path, as "pools.kv.lane.capacity"; empty for the whole file
    std::string what;        ///< what is wrong
    std::string expected;    ///< what would be right
    std::string suggestion;  ///< nearest valid key or value; may be empty
};

/// Thrown by load_plan() for a file that is no valid plan, and by make_layout() (so by a bridge's constructor) for
/// a plan with values that no machine, or not this one, can carry out. At most 100 problems of a file are kept.
/// what() holds one line for each problem: "FILE:LINE:COLUMN: KEY: WHAT; expected EXPECTED (SUGGESTION)".
class plan_error : public std::runtime_error {
public:
    explicit plan_error(std::vector<plan_problem> problems);
    const std::vector<plan_problem>& problems() const noexcept { return problems_; }

private:
    std::vector<plan_problem> problems_;
};

/// The line that what() holds for a problem.
std::string to_text(const plan_problem& problem);

}  // namespace numasio
