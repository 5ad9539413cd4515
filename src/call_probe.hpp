// What the kernel, the container and the user's limits allow here: each call that numasio makes, tried. Private to the house.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/topology.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace numasio {

enum class call_need {
    placement,  ///< pinning, binding and reading back stand on it: without it a strict plan does not start
    option      ///< used where it is allowed; what is lost without it is said
};

enum class call_answer {
    granted,
    refused,  ///< by permission, a filter or a limit: somebody can change that
    absent    ///< this kernel or machine does not have it
};

struct call_report {
    std::string call;   ///< "mbind"
    std::string asked;  ///< "bind to nodes 0-1"
    call_need need = call_need::option;
    call_answer answer = call_answer::refused;
    error_code error;        ///< the kernel's, where not granted; errc::pages_elsewhere and pin_refused where it lied
    int killed_by = 0;       ///< the signal that ended the process that tried
    std::string found;       ///< what came of it, where there is something to say
    std::string remedy;      ///< what is lost and what a person can do; empty where granted
};

/// Tries each call in a child process of its own, so that nothing is left behind and a filter that kills is an answer too.
/// Threads: one at a time, best in a process without others (it forks). Blocks: some milliseconds for each call, at most 10 s
/// for one that hangs. Fails: throws std::bad_alloc; boost::system::system_error where no process can be made.
std::vector<call_report> probe_calls(const topology& machine);

/// True where a call that placement stands on was not granted.
bool lacks_placement(const std::vector<call_report>& reports) noexcept;

std::string_view to_string(call_answer answer) noexcept;

}  // namespace numasio
