// One look at a thread's mask; another pin where it is not the one that was asked for.
#include "src/thread_keeper.hpp"

#include "src/place_text.hpp"

#include <numasio/errc.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace numasio {
namespace {

/// "CPU 3 is offline, CPUs 4-5 are outside the cpuset of this process"
std::string reason(const std::vector<cpu_id>& home, const std::vector<cpu_id>& got) {
    std::vector<cpu_id> offline;
    std::vector<cpu_id> outside;
    for (const auto cpu : home) {
        if (std::binary_search(got.begin(), got.end(), cpu)) { continue; }
        (platform::is_online(cpu) ? outside : offline).push_back(cpu);
    }
    const auto are = [](const std::vector<cpu_id>& cpus) { return cpus_text(cpus) + (cpus.size() == 1 ? " is " : " are "); };
    std::string why;
    if (!offline.empty()) { why = are(offline) + "offline"; }
    if (!outside.empty()) { why += (why.empty() ? "" : ", ") + are(outside) + "outside the cpuset of this process"; }
    return why;
}

}  // namespace

std::vector<std::vector<cpu_id>> refuges_from(const topology& machine, node_id home) {
    std::vector<std::vector<cpu_id>> cpus;
    for (const auto node : machine.executor_nodes_by_distance(home)) { cpus.push_back(machine.allowed_cpus(node)); }
    return cpus;
}

thread_keeper::thread_keeper(platform::kernel_thread thread, std::vector<cpu_id> home,
                             std::vector<std::vector<cpu_id>> refuges, placement settled, const placement& now)
    : thread_(thread), home_(std::move(home)), refuges_(std::move(refuges)), settled_(std::move(settled)) {
    std::sort(home_.begin(), home_.end());
    // Refused from the start: nothing was taken away, and it was told.
    if (now.outcome != placement_outcome::honoured) { told_ = now; }
}

thread_keeper::finding thread_keeper::look() {
    finding found;
    auto at_home = platform::is_pinned_to(home_, thread_);
    if (!at_home || (*at_home && !told_)) { return found; }
    error_code refused;
    if (!*at_home) {
        refused = platform::set_affinity(home_, thread_);
        at_home = platform::is_pinned_to(home_, thread_);
        found.displaced = !told_;
    }
    if (at_home == true) {
        // A mask that somebody had changed and that was put right at once is told only if it was told before.
        if (told_) { found.changed = settled_; }
        told_.reset();
        return found;
    }
    auto now = settled_;
    now.outcome = placement_outcome::degraded;
    now.error = refused ? refused : make_error_code(errc::pin_refused);
    // EINVAL: none of the CPUs is to be had. Accepted in part, home it is; refused otherwise, the thread stays where it is.
    const auto is_gone = [](error_code ec) { return ec == boost::system::errc::invalid_argument; };
    bool node_is_gone = false;
    for (std::size_t i = 0; is_gone(refused) && i < refuges_.size(); ++i) {
        const auto denied = platform::set_affinity(refuges_[i], thread_);
        if (!denied) { break; }
        node_is_gone = node_is_gone || is_gone(denied);
    }
    std::vector<cpu_id> got;
    if (platform::get_affinity(got, thread_)) { return found; }
    now.got = cpus_text(got);
    now.why = reason(home_, got);
    if (refused && !is_gone(refused)) { now.why = "sched_setaffinity: " + refused.message(); }
    if (node_is_gone) { now.why += ", and so is every other CPU of its node"; }
    now.why += "; looked for again four times a second";
    if (told_ && told_->got == now.got && told_->why == now.why) { return found; }
    told_ = now;
    found.changed = std::move(now);
    return found;
}

}  // namespace numasio
