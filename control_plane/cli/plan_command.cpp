// numasioctl plan: what a plan would do on this or that machine, and whether it could.
#include <control_plane/cli/commands.hpp>

#include <control_plane/bridge/memory_check.hpp>
#include <control_plane/cli/machine_source.hpp>
#include <control_plane/cli/near_devices.hpp>
#include <control_plane/cli/text.hpp>
#include <control_plane/http/listen_address.hpp>
#include <numasio/detail/lane.hpp>
#include <numasio/detail/lane_rows.hpp>
#include <src/memory_choice.hpp>
#include <src/place_text.hpp>
#include <numasio/layout.hpp>
#include <numasio/load_plan.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>

namespace numasio::cli {
namespace {

struct plan_options {
    std::string file;
    std::string source = "live";
};

struct judged {
    plan asked;
    topology machine;
    layout sites;
    std::vector<std::string> notes;      ///< what best effort will do without
    std::vector<plan_problem> problems;  ///< empty: it can be carried out
    bool laid_out = false;               ///< `sites` holds
};

constexpr const char* explain_more = R"(Which CPUs the control plane and each pool's workers get, where their memory is,
what is shared, what does not fit, and which pool would stand nearer to a
network card. Nothing is pinned or allocated. Exit status 3: it cannot be
carried out.
)";

constexpr const char* check_more = R"(Reads the plan and lays it out, as a start would before it makes a thread; on
this machine memory is held against what is free, too, on a described one
against what its nodes have (lanes are counted by their least size, which the
program's requests and replies add to). Silent but for problems, which go
to stderr as FILE:LINE:COLUMN: KEY: WHAT; expected WHAT (exit status 3).
)";

/// The control server refuses what is not the loopback's.
void check_http(const plan& asked, std::vector<plan_problem>& problems) {
    const auto* const listener = asked.find_listener("http");
    if (listener == nullptr) { return; }
    try {
        static_cast<void>(detail::loopback_endpoint(*listener));
    } catch (const std::invalid_argument&) {
        const std::string key = "listeners.http";
        const auto mark = asked.marks.find(key);
        problems.push_back({mark == asked.marks.end() ? plan_mark{} : mark->second, key,
                            listener->address + " can be reached from other machines, and the control server asks nobody who they are",
                            "an address of the loopback", "take 127.0.0.1 or ::1, and from elsewhere an ssh tunnel or a proxy that authenticates"});
    }
}

/// What a worker's lanes take at least: the application's requests and replies come on top.
std::uint64_t least_lanes(const pool_plan& pool) {
    return detail::lane_bytes_of(pool.lane, [](std::uint32_t capacity) { return detail::lane<char, char>::footprint(capacity); });
}

/// Everything that stands in the way: in the file, between plan and machine, in memory.
judged judge(const plan_options& asked) {
    judged out;
    out.machine = machine_from(asked.source);
    try {
        out.asked = load_plan(asked.file);
        check_http(out.asked, out.problems);
        const auto nodes = out.asked.simulate_nodes;
        // As a bridge does it; more nodes than CPUs is the layout's problem, with its place.
        if (nodes != 0 && nodes <= out.machine.allowed_cpus().size()) { out.machine = simulate_nodes(out.machine, nodes); }
        out.sites = make_layout(out.asked, out.machine);
        out.laid_out = true;
        std::vector<detail::pool_memory> memory;
        for (const auto& pool : out.asked.pools) {
            if (pool.run == run_mode::service) { memory.push_back({&pool, least_lanes(pool)}); }
        }
        out.notes = detail::check_memory(out.asked, out.sites, out.machine, memory);
    } catch (const plan_error& e) {
        if (!std::ifstream(asked.file) || std::filesystem::is_directory(asked.file)) { throw failure(e.what()); }
        out.problems.insert(out.problems.end(), e.problems().begin(), e.problems().end());
    }
    return out;
}

void write_problems(std::ostream& to, const judged& plan) {
    for (const auto& problem : plan.problems) { to << to_text(problem) << '\n'; }
}

/// Of a worker whose nearest memory is on `home`.
std::string memory_nodes(const pool_plan& pool, node_id home, const topology& machine) {
    if (pool.memory.policy == memory_policy::local) { return "any"; }
    const auto all = machine.memory_nodes();
    return to_list(interleaves(pool.memory.policy) && !all.empty() ? all : std::vector{home});
}

std::string pool_text(const pool_plan& pool, const layout& sites, const topology& machine) {
    std::map<std::pair<node_id, node_id>, std::vector<cpu_id>> groups;  // by node of CPU and of memory
    std::size_t workers = 0;
    for (const auto& site : sites.workers) {
        if (site.pool != pool.name) { continue; }
        groups[{site.node, site.memory_node}].push_back(site.cpu);
        ++workers;
    }
    const bool serves = pool.run == run_mode::service;
    const auto page = std::max<std::uint64_t>(pool_page_size(pool.memory.pages).value, 1);
    const bytes each{(pool.memory.per_worker.value + page - 1) / page * page};
    std::string out = "pool " + pool.name + ": " + counted(workers, "worker") + (pool.cpus ? "" : " (auto)") + ", ";
    if (serves) {
        out += amount(each) + " each (" + std::string(to_string(pool.memory.policy)) +
               (pool.memory.pages ? ", " + std::string(to_string(*pool.memory.pages)) + " pages" : "") + ", " + std::string(to_string(pool.enforce)) + ")";
    } else {
        out += "run: " + std::string(to_string(pool.run)) + " (" + std::string(to_string(pool.enforce)) + ")";
    }
    out += ", idle: " + std::string(to_string(pool.idle.strategy)) + '\n';
    if (!serves) {
        table rows({"NODE", "WORKERS", "CPUS"}, "rrl");
        for (auto& [nodes, cpus] : groups) {
            std::sort(cpus.begin(), cpus.end());
            rows.add({std::to_string(nodes.first.value), std::to_string(cpus.size()), to_list(cpus)});
        }
        return out + rows.text(2);
    }
    table rows({"NODE", "WORKERS", "MEMORY", "OF NODE", "CPUS"}, "rrrrl");
    for (auto& [nodes, cpus] : groups) {
        std::sort(cpus.begin(), cpus.end());
        rows.add({std::to_string(nodes.first.value), std::to_string(cpus.size()), amount({each.value * cpus.size()}),
                  memory_nodes(pool, nodes.second, machine), to_list(cpus)});
    }
    return out + rows.text(2);
}

/// The layout's notes on who got which CPU: the tables show that.
bool in_table(const std::string& note, const plan& asked) {
    const auto begins = [&](const std::string& with) { return note.compare(0, with.size(), with) == 0; };
    const auto counts_workers = [&](const pool_plan& pool) {
        return begins(pool.name + ": ") && note.find(" worker") == note.find_first_not_of("0123456789", pool.name.size() + 2);
    };
    return begins("control: CPU ") || std::any_of(asked.pools.begin(), asked.pools.end(), counts_workers);
}

std::string explanation(const judged& plan, const plan_options& asked) {
    std::string out = labelled("plan", asked.file, 9) + labelled("machine", machine_name(plan.machine), 9);
    out += "\ncontrol: " + cpus_text(plan.sites.control) +
           (plan.asked.control.cpus ? "\n" : " (auto)\n");
    for (const auto& pool : plan.asked.pools) { out += '\n' + pool_text(pool, plan.sites, plan.machine); }
    for (const auto& listener : plan.asked.listeners) {
        out += "\nlistener " + listener.name + ": " + listener.address + ", port " + std::to_string(listener.port);
    }
    if (!plan.asked.listeners.empty()) { out += '\n'; }
    out += '\n';
    for (const auto& note : plan.sites.notes) {
        if (!in_table(note, plan.asked)) { out += labelled("note", note, 9); }
    }
    for (const auto& note : plan.notes) { out += labelled("note", note, 9); }
    if (!plan.machine.cpus_are_real()) { out += labelled("note", "huge pages are not checked: what its pools hold nobody knows here", 9); }
    if (!plan.machine.nodes_are_real()) { return out; }
    for (const auto& line : nearer_to_cards(plan.asked, plan.sites, plan.machine, discover_devices())) {
        out += labelled("suggest", line, 9);
    }
    return out;
}

exit_code explain(const plan_options& asked) {
    const auto plan = judge(asked);
    if (plan.laid_out) { std::cout << explanation(plan, asked); }
    if (plan.problems.empty()) { return done; }
    std::cout << (plan.laid_out ? "\n" : "") << counted(plan.problems.size(), "problem") << " on " << machine_name(plan.machine) << ":\n";
    write_problems(std::cout, plan);
    return answered_no;
}

exit_code check(const plan_options& asked) {
    const auto plan = judge(asked);
    write_problems(std::cerr, plan);
    return plan.problems.empty() ? done : answered_no;
}

void add(CLI::App& plan, const char* name, const char* what, const char* more, exit_code (*run)(const plan_options&), exit_code& ended) {
    auto* const command = plan.add_subcommand(name, what);
    const auto asked = std::make_shared<plan_options>();
    command->add_option("FILE", asked->file, "The plan, as in docs/plan.md")->required()->type_name("");
    add_topology_option(*command, asked->source);
    command->footer(more);
    command->callback([asked, run, &ended] { ended = run(*asked); });
}

}  // namespace

void add_plan(CLI::App& program, exit_code& ended) {
    auto* const plan = program.add_subcommand("plan", "What a plan would do on a machine, or whether it could");
    plan->require_subcommand(1);
    plan->footer("See docs/plan.md for the plan itself.");
    add(*plan, "explain", "Who gets which CPU and memory; what would be nearer", explain_more, &explain, ended);
    add(*plan, "check", "Only whether the plan can be carried out", check_more, &check, ended);
}

}  // namespace numasio::cli
