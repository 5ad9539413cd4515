// Pinned by the raw calls, and read back.
#include "hot_path/thread_settler.hpp"

#include "src/place_text.hpp"
#include "src/platform/memory_nodes.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/thread_row.hpp>

#include <boost/system/system_error.hpp>

#include <span>
#include <utility>

namespace numasio::hot_path {

std::string node_text(node_id node) { return "node " + std::to_string(node.value); }
std::string name_of(const worker_site& site) { return site.pool + "/" + std::to_string(site.index); }

std::optional<node_id> memory_node_of(const worker_site& site, const topology& machine) noexcept {
    return machine.nodes_are_real() ? std::optional(site.memory_node) : std::nullopt;
}

void thread_settler::pin() {
    auto p = begin(placement_subject::cpu, "CPU " + std::to_string(site_.cpu.value));
    const auto ec = pin_this_thread(std::span(&site_.cpu, 1));
    p.got = "CPU " + to_list(this_thread_cpus());
    finish(std::move(p), ec, "sched_setaffinity");
}

void thread_settler::set_memory_policy() {
    auto p = begin(placement_subject::thread_memory, "preferred " + node_text(site_.memory_node));
    if (!nodes_are_real()) { return unbound(std::move(p)); }
    // It falls back elsewhere: a bound malloc could kill the process.
    const auto ec = set_this_thread_memory(site_.memory_node, memory_policy::preferred);
    p.got = ec ? "the process's default policy" : "preferred " + node_text(site_.memory_node);
    finish(std::move(p), ec, "set_mempolicy");
}

void thread_settler::set_priority(std::uint32_t realtime) {
    if (realtime == 0) { return; }
    auto p = begin(placement_subject::priority, "SCHED_FIFO " + std::to_string(realtime));
    const auto ec = set_this_thread_fifo(static_cast<int>(realtime));
    const auto got = this_thread_fifo();
    p.got = got ? "SCHED_FIFO " + std::to_string(*got) : "an ordinary thread";
    finish(std::move(p), ec, "sched_setscheduler");
}

void thread_settler::give_row() {
    try {
        detail::prepare_row(site_.node);
    } catch (const boost::system::system_error& e) {
        throw boost::system::system_error(e.code(), name_of(site_) + ": pages for what it counts: " + e.what());
    }
}

void thread_settler::leave_thread_to_the_caller() {
    for (auto& p : {begin(placement_subject::cpu, "CPU " + std::to_string(site_.cpu.value)),
                    begin(placement_subject::thread_memory, "preferred " + node_text(site_.memory_node))}) {
        auto left = p;
        left.got = "the caller's thread, as it is";
        left.why = "idle: caller_drives; invoker::pin() pins it";
        placements_.replace(std::move(left));
    }
}

placement thread_settler::begin(placement_subject subject, std::string asked) const {
    placement p;
    p.subject = subject;
    p.owner = name_of(site_);
    p.asked = std::move(asked);
    return p;
}

void thread_settler::finish(placement p, error_code ec, const std::string& step) {
    if (!ec) {
        p.outcome = placement_outcome::honoured;
        if (site_.memory_node != site_.node && p.subject != placement_subject::cpu && p.subject != placement_subject::priority) {
            p.why = node_text(site_.node) + " has no memory; " + node_text(site_.memory_node) + " is nearest";
        }
    } else {
        if (enforce_ == enforcement::strict) { fail(step, ec, p); }
        p.outcome = placement_outcome::degraded;
        p.why = step + ": " + ec.message();
        p.error = ec;
    }
    placements_.replace(std::move(p));
}

void thread_settler::unbound(placement p) {
    p.got = "not bound";
    if (origin_ == topology_origin::simulated) {
        p.outcome = placement_outcome::simulated;
        p.why = "pretend nodes have no memory of their own";
        placements_.replace(std::move(p));
    } else {
        finish(std::move(p), errc::not_this_machine, "the machine's nodes could not be discovered");
    }
}

void thread_settler::fail(const std::string& step, error_code ec, const placement& p) const {
    throw boost::system::system_error(
        ec, p.owner + " on CPU " + std::to_string(site_.cpu.value) + ", " + node_text(site_.node) + ": " + step + " (asked: " + p.asked +
                (p.got.empty() ? "" : "; got: " + p.got) + "); strict enforcement");
}

}  // namespace numasio::hot_path
