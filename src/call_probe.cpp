// The table of calls to try, and what each refusal means to a person.
#include "src/call_probe.hpp"

#include "src/platform/call_trials.hpp"
#include "src/platform/errno_code.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace numasio {
namespace {

using platform::trial;

const std::string filter = "a container's filter: run it with --cap-add SYS_NICE, or with a seccomp profile that allows ";

/// How to ask, and what to say where the answer is no.
struct question {
    std::string call;
    std::string asked;
    call_need need;
    std::function<trial()> body;
    std::string lost;      ///< what numasio does then
    std::string if_refused;  ///< the remedy
    std::string if_absent = {};  ///< where the kernel or the machine does not have it
};

bool is_absence(const question& q, int error) noexcept {
    if (error == ENOSYS || error == ENOENT || error == EOPNOTSUPP || error == ENODEV) { return true; }
    return error == EINVAL && !q.if_absent.empty();
}

call_report report_of(const question& q, const trial& result) {
    call_report report{q.call, q.asked, q.need, call_answer::granted, {}, result.killed_by, result.text, {}};
    if (result.killed_by != 0) {
        report.answer = call_answer::refused;
        report.remedy = q.lost + "; the process was killed for asking: let the seccomp filter answer EPERM instead "
                                 "(systemd: SystemCallErrorNumber=EPERM)";
    } else if (result.elsewhere) {
        report.answer = call_answer::refused;
        report.error = q.call == "sched_setaffinity" ? errc::pin_refused : errc::pages_elsewhere;
        if (q.call != "sched_setaffinity" && q.call != "mbind" && q.call != "move_pages") { report.error = {}; }
        report.remedy = q.lost + "; " + q.if_refused;
    } else if (result.error != 0) {
        const bool absent = is_absence(q, result.error);
        report.answer = absent ? call_answer::absent : call_answer::refused;
        report.error = platform::errno_code(result.error);
        report.remedy = q.lost + "; " + (absent && !q.if_absent.empty() ? q.if_absent : q.if_refused);
    }
    return report;
}

call_report ask(const question& q) { return report_of(q, platform::try_in_child(q.body)); }

std::string counted(const std::string& one, const std::string& many, std::size_t count, const std::string& list) {
    return (count == 1 ? one : many) + ' ' + list;
}

/// One question to each of `ids`; equal answers become one line. `make` gives the question for one id.
template <class Id, class Make>
void ask_each(const std::vector<Id>& ids, const std::string& verb, const std::string& one, const std::string& many, Make make,
              std::vector<call_report>& out) {
    std::vector<std::pair<call_report, std::vector<Id>>> answers;
    for (const Id id : ids) {
        call_report report = ask(make(id));
        const auto same = std::find_if(answers.begin(), answers.end(), [&](const auto& known) {
            return known.first.error == report.error && known.first.killed_by == report.killed_by && known.first.found == report.found;
        });
        if (same == answers.end()) {
            answers.emplace_back(std::move(report), std::vector{id});
        } else {
            same->second.push_back(id);
        }
    }
    for (auto& [report, which] : answers) {
        report.asked = verb + ' ' + counted(one, many, which.size(), to_list(which));
        out.push_back(std::move(report));
    }
}

/// Nodes with memory that this process may use.
std::vector<node_id> memory_nodes(const topology& machine) {
    if (!machine.nodes_are_real()) { return {node_id{0}}; }  // it could not be discovered: every kernel has node 0
    return machine.memory_nodes();
}

std::vector<bytes> huge_page_sizes(const topology& machine) {
    std::set<bytes> sizes;
    for (const auto& node : machine.nodes) {
        for (const auto& pool : node.huge_pages) { sizes.insert(pool.page); }
    }
    return {sizes.begin(), sizes.end()};
}

std::string page_text(bytes size) {
    return size.value >> 30 != 0 ? std::to_string(size.value >> 30) + " GiB" : size.value >> 20 != 0
               ? std::to_string(size.value >> 20) + " MiB" : std::to_string(size.value >> 10) + " KiB";
}

void ask_for_placement(const topology& machine, const std::vector<node_id>& nodes, std::vector<call_report>& out) {
    ask_each(machine.allowed_cpus(), "pin to", "CPU", "CPUs", [](cpu_id cpu) {
        return question{"sched_setaffinity", {}, call_need::placement, [cpu] { return platform::try_affinity(cpu); },
                        "workers are not pinned there", "a CPU that is offline or outside the cpuset gives EINVAL; EPERM is " + filter +
                        "sched_setaffinity"};
    }, out);
    ask_each(nodes, "bind pages to", "node", "nodes", [](node_id node) {
        return question{"mbind", {}, call_need::placement, [node] { return platform::try_bind(node); },
                        "memory is not bound to the node",
                        "EINVAL is a node outside the cpuset's memory nodes (cpuset.mems); EPERM is " + filter + "mbind"};
    }, out);
    ask_each(nodes, "thread prefers", "node", "nodes", [](node_id node) {
        return question{"set_mempolicy", {}, call_need::placement, [node] { return platform::try_thread_policy(node); },
                        "plain malloc in a service does not follow its node", filter + "set_mempolicy"};
    }, out);
    out.push_back(ask({"move_pages", "ask where pages are", call_need::placement, &platform::try_locate,
                       "page locality is not known, never 100 %", filter + "move_pages"}));
    out.push_back(ask({"get_mempolicy", "ask for the allowed nodes", call_need::option, &platform::try_allowed_nodes,
                       "they are read from /proc instead", filter + "get_mempolicy"}));
    out.push_back(ask({"cpuset", "read what is allowed", call_need::option, &platform::try_cpuset,
                       "everything counts as allowed until a call fails", "mount /proc"}));
}

void ask_for_memory(const topology& machine, const std::vector<node_id>& nodes, std::vector<call_report>& out) {
    const node_id from = nodes.front();
    const node_id to = nodes.back();
    const std::string ends = " from node " + std::to_string(from.value) + " to " + std::to_string(to.value);
    out.push_back(ask({"move_pages", "pages" + ends, call_need::option, [=] { return platform::try_move(from, to); },
                       "pages stay where they were first touched", filter + "move_pages"}));
    out.push_back(ask({"migrate_pages", "process" + ends, call_need::option, [=] { return platform::try_migrate(from, to); },
                       "memory of a whole process cannot be moved", filter + "migrate_pages"}));
    out.push_back(ask({"mbind", "prefer several nodes", call_need::option, [&] { return platform::try_preferred_many(nodes); },
                       "one node is preferred", filter + "mbind", "Linux 5.15 has it"}));
    out.push_back(ask({"mbind", "interleave by weight", call_need::option, [&] { return platform::try_weighted_interleave(nodes); },
                       "pages interleave evenly", filter + "mbind", "Linux 6.9 has it"}));
    out.push_back(ask({"madvise", "populate for writing", call_need::option, &platform::try_populate,
                       "pages are touched one by one", "a filter: allow madvise", "Linux 5.14 has it"}));
    out.push_back(ask({"madvise", "transparent huge pages", call_need::option, &platform::try_transparent_huge_pages,
                       "regions stay on small pages", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
                       "this kernel is built without them"}));
    for (const bytes size : huge_page_sizes(machine)) {
        const std::string folder = "hugepages-" + std::to_string(size.value >> 10) + "kB";
        out.push_back(ask({"mmap", "a huge page of " + page_text(size), call_need::option, [size] { return platform::try_huge_page(size); },
                           "smaller pages are used",
                           "fill the node's pool: echo N > /sys/devices/system/node/nodeK/hugepages/" + folder + "/nr_hugepages"}));
    }
    out.push_back(ask({"mlock", "keep 64 MiB in memory", call_need::option, [] { return platform::try_lock({64 << 20}); },
                       "memory may be swapped out", "raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=) or grant CAP_IPC_LOCK"}));
}

void ask_for_services(std::vector<call_report>& out) {
    out.push_back(ask({"sched_setscheduler", "real-time priority", call_need::option, &platform::try_fifo,
                       "threads keep their ordinary priority",
                       "raise RLIMIT_RTPRIO (ulimit -r, LimitRTPRIO=) or grant CAP_SYS_NICE"}));
    out.push_back(ask({"membarrier", "private expedited", call_need::option, &platform::try_membarrier,
                       "the asymmetric fence is not available", "a filter: allow membarrier", "Linux 4.14 has it"}));
    out.push_back(ask({"io_uring_setup", "a small ring", call_need::option, &platform::try_io_uring, "a readable_set uses epoll",
                       "a container's filter, kernel.io_uring_disabled, or too little locked memory (ulimit -l)", "Linux 5.1 has it, 6.1 as a readable_set needs it"}));
    out.push_back(ask({"perf_event_open", "cache-miss counter", call_need::option, &platform::try_counters,
                       "access locality is not measured",
                       "sysctl kernel.perf_event_paranoid=2 or less, and a filter that allows perf_event_open",
                       "no hardware counters here; most virtual machines have none"}));
}

}  // namespace

std::vector<call_report> probe_calls(const topology& machine) {
    std::vector<call_report> out;
    const auto nodes = memory_nodes(machine);
    ask_for_placement(machine, nodes, out);
    if (!nodes.empty()) { ask_for_memory(machine, nodes, out); }
    ask_for_services(out);
    return out;
}

bool lacks_placement(const std::vector<call_report>& reports) noexcept {
    return std::any_of(reports.begin(), reports.end(), [](const call_report& report) {
        return report.need == call_need::placement && report.answer != call_answer::granted;
    });
}

std::string_view to_string(call_answer answer) noexcept {
    switch (answer) {
        case call_answer::granted: return "granted";
        case call_answer::refused: return "refused";
        case call_answer::absent: return "absent";
    }
    return "unknown";
}

}  // namespace numasio
