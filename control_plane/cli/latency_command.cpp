// numasioctl latency: what each node's memory costs from each node's CPUs, measured.
#include <control_plane/cli/commands.hpp>

#include <control_plane/cli/machine_source.hpp>
#include <control_plane/cli/text.hpp>
#include <src/memory_speed.hpp>
#include <src/platform/terminal.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

namespace numasio::cli {
namespace {

namespace json = boost::json;

struct latency_options {
    std::string source = "live";
    std::uint64_t size = 0;
    double seconds = 0.1;
    double total = 60;
    bool json = false;
};

constexpr const char* latency_footer = R"(Latency is that of loads of which each depends on the one before, over a random
cycle through a buffer on the column's node, by a thread on the row's first CPU.
Bandwidth is plain reading by a thread on each core of the row's node (at most
32). The buffer is bound, and measured only if the kernel finds every page of it
there; it should be several times the last-level cache, and on huge pages, or
the figures hold cache hits and page walks, too: what was used is printed. Run
it on a quiet machine. Nothing is measured on a machine that is simulated or
described.
)";

template <class Value>
std::string matrix(const speed_matrix& measured, const std::string& corner, Value value) {
    constexpr std::size_t at_a_time = 8;
    std::string out;
    for (std::size_t first = 0; first < measured.to.size(); first += at_a_time) {
        const std::size_t last = std::min(measured.to.size(), first + at_a_time);
        std::vector<std::string> head{corner};
        for (std::size_t i = first; i < last; ++i) { head.push_back(std::to_string(measured.to[i].node.value)); }
        table rows(std::move(head), "l" + std::string(at_a_time, 'r'));
        for (const auto from : measured.from) {
            std::vector<std::string> row{"node " + std::to_string(from.value)};
            for (std::size_t i = first; i < last; ++i) {
                const auto cell = std::find_if(measured.cells.begin(), measured.cells.end(), [&](const speed_cell& c) {
                    return c.from == from && c.to == measured.to[i].node;
                });
                row.push_back(cell == measured.cells.end() ? "-" : value(*cell));
            }
            rows.add(std::move(row));
        }
        out += rows.text() + '\n';
    }
    return out;
}

std::string buffers(const speed_matrix& measured) {
    std::string out;
    std::set<std::string> said;  // nodes alike are told once
    for (const auto& target : measured.to) {
        if (!target.why.empty()) {
            out += labelled("note", "memory of node " + std::to_string(target.node.value) + " not measured: " + target.why, 6);
            continue;
        }
        std::string line = "buffers of " + amount(target.size);
        if (target.huge) { line += ", " + percent(*target.huge) + " on transparent huge pages"; }
        if (measured.cache) { line += "; largest cache " + amount(*measured.cache); }
        if (measured.cache && target.size.value < 2 * measured.cache->value) { line += "; TOO SMALL: figures hold cache hits"; }
        if (target.huge && *target.huge < 0.9) { line += "; small pages: the latency holds page walks"; }
        if (said.insert(line).second) { out += labelled("note", line, 6); }
    }
    for (const auto& cell : measured.cells) {
        if (!cell.why.empty() && cell.threads != 0 && said.insert(cell.why).second) {
            out += labelled("note", "from node " + std::to_string(cell.from.value) + ": " + cell.why, 6);
        }
    }
    return out;
}

std::string text(const speed_matrix& measured) {
    return matrix(measured, "latency, ns", [](const speed_cell& cell) { return fixed(cell.latency_ns, 1); }) +
           matrix(measured, "read, GB/s", [](const speed_cell& cell) {
               return cell.bytes_per_second ? fixed(*cell.bytes_per_second / 1e9, 1) : "-";
           }) + "rows: where the threads run; columns: where the memory is; \"-\": not measured\n" + buffers(measured);
}

json::value number(std::optional<double> value) { return value ? json::value(*value) : json::value(nullptr); }

json::object document(const speed_matrix& measured) {
    json::array to;
    for (const auto& target : measured.to) {
        to.push_back(json::object{{"node", target.node.value},
                                  {"buffer_bytes", target.size.value},
                                  {"huge_page_share", number(target.huge)},
                                  {"not_measured", target.why.empty() ? json::value(nullptr) : json::value(target.why)}});
    }
    json::array cells;
    for (const auto& cell : measured.cells) {
        cells.push_back(json::object{{"from", cell.from.value},
                                     {"to", cell.to.value},
                                     {"latency_ns", number(cell.latency_ns)},
                                     {"read_bytes_per_second", number(cell.bytes_per_second)},
                                     {"threads", cell.threads},
                                     {"not_measured", cell.why.empty() ? json::value(nullptr) : json::value(cell.why)}});
    }
    return {{"memory", std::move(to)},
            {"cells", std::move(cells)},
            {"largest_cache_bytes", measured.cache ? json::value(measured.cache->value) : json::value(nullptr)},
            {"seconds_each", std::chrono::duration<double>(measured.time).count()}};
}

bool something(const speed_matrix& measured) {
    return std::any_of(measured.cells.begin(), measured.cells.end(), [](const speed_cell& cell) { return cell.latency_ns.has_value(); });
}

exit_code measure(const latency_options& asked) {
    const auto machine = machine_from(asked.source);
    if (!machine.nodes_are_real()) {
        const std::string why = "not measured: " + machine_name(machine) + " has no nodes of its own whose memory could be reached";
        if (asked.json) { std::cout << json::serialize(json::object{{"not_measured", why}, {"cells", json::array()}}) << '\n'; }
        else { std::cout << wrapped(why, 0); }
        return answered_no;
    }
    speed_options options;
    const auto ns = [](double seconds) { return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)); };
    if (asked.size != 0) { options.size = bytes{asked.size}; }
    options.time = ns(asked.seconds);
    options.total = ns(asked.total);
    const bool watched = platform::stderr_is_terminal();
    const auto measured = measure_memory_speed(machine, options, [&](std::size_t ready, std::size_t all) {
        if (!watched) { return; }
        std::cerr << "\rmeasured " << ready << " of " << counted(all, "pair") << (ready == all ? "\r\033[K" : "") << std::flush;
    });
    std::cout << (asked.json ? json::serialize(document(measured)) + '\n' : text(measured));
    return something(measured) ? done : answered_no;
}

/// A duration in seconds, with its unit or without.
CLI::Validator seconds() {
    return CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1.0}, {"min", 60.0}}).description("");
}

}  // namespace

void add_latency(CLI::App& program, exit_code& ended) {
    auto* const command = program.add_subcommand("latency", "Latency and bandwidth from each node to each, measured");
    const auto asked = std::make_shared<latency_options>();
    add_topology_option(*command, asked->source);
    command->add_option("--size", asked->size, "Buffer, as 512MiB (4 x the last-level cache)")
        ->transform(CLI::AsSizeValue(false).description(""))
        ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 40).description(""))
        ->type_name("SIZE");
    command->add_option("--time", asked->seconds, "Of each measurement, as 100ms or 0.1s (0.1s)")
        ->transform(seconds())
        ->check(CLI::Range(0.001, 60.0).description(""))->type_name("TIME");
    command->add_option("--total", asked->total, "Of all measurements together, at most (60s)")
        ->transform(seconds())
        ->check(CLI::Range(0.01, 3600.0).description(""))->type_name("TIME");
    command->add_flag("--json", asked->json, "One JSON document");
    command->footer(latency_footer);
    command->callback([asked, &ended] { ended = measure(*asked); });
}

}  // namespace numasio::cli
