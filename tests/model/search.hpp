// Runs a Relacy test and reports it: all executions, those with few preemptions, or random ones.
#pragma once

#include "checks.hpp"
#include "relacy_atomics.hpp"

#include <iostream>
#include <sstream>

namespace numasio::model {

enum class search { all, few_preemptions, random };

struct bounds {
    search how = search::random;
    std::uint64_t executions = 0;  // of random ones
    unsigned preemptions = 0;      // of few
};

namespace search_detail {

/// Relacy's progress lines go nowhere.
class no_output : public std::streambuf {
    int overflow(int c) override { return c; }
};

inline rl::test_params params_of(const bounds& b, std::ostream& quiet) {
    rl::test_params params;
    params.search_type = b.how == search::all               ? rl::sched_full
                         : b.how == search::few_preemptions ? rl::sched_bound
                                                            : rl::sched_random;
    params.output_stream = &quiet;
    params.progress_stream = &quiet;
    params.iteration_count = b.executions;
    params.context_bound = b.preemptions;
    params.execution_depth_limit = 20'000;
    return params;
}

}  // namespace search_detail

/// Runs `Test` with one of Relacy's schedulers; prints one line, after a failure also its history.
template <class Test, template <rl::thread_id_t> class Scheduler>
bool explore(const char* name, const char* kind, const bounds& b) {
    search_detail::no_output nowhere;
    std::ostream quiet(&nowhere);
    auto params = search_detail::params_of(b, quiet);
    rl::ostringstream failing_state;
    using scheduler = Scheduler<Test::params::thread_count>;
    const auto result = rl::run_test<Test, scheduler>(params, failing_state, false);
    std::cout << name << ": " << kind;
    if (b.how == search::few_preemptions) { std::cout << ' ' << b.preemptions; }
    std::cout << ", " << params.stop_iteration << " executions: " << rl::test_result_str(result) << std::endl;
    if (result == rl::test_result_success) { return true; }
    auto again = search_detail::params_of(b, quiet);
    again.initial_state = failing_state.str();
    again.collect_history = true;
    again.output_stream = &std::cout;
    rl::ostringstream unused;
    rl::run_test<Test, scheduler>(again, unused, true);
    return false;
}

template <class Test>
bool explore_all(const char* name) {
    return explore<Test, rl::full_search_scheduler>(name, "all", {search::all});
}
template <class Test>
bool explore_few(const char* name, unsigned preemptions) {
    return explore<Test, rl::context_bound_scheduler>(name, "preemptions <=", {search::few_preemptions, 0, preemptions});
}
template <class Test>
bool explore_random(const char* name, std::uint64_t executions) {
    return explore<Test, rl::random_scheduler>(name, "random", {search::random, executions});
}

}  // namespace numasio::model
