// numasioctl audit: where the memory of a process is, by the kernel's own account.
#include <control_plane/cli/commands.hpp>

#include <control_plane/cli/text.hpp>
#include <numasio/topology.hpp>
#include <src/process_memory.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

namespace numasio::cli {
namespace {

namespace json = boost::json;

struct audit_options {
    int pid = 0;
    bool self = false;
    bool json = false;
    std::size_t rows = 10;
};

constexpr const char* audit_footer = R"(Pages come from /proc/PID/numa_maps, which the kernel shows to the same user, to
root, and to CAP_SYS_PTRACE. The largest mappings are then asked about a second
time, page by page, with move_pages(2), up to 65536 pages; "agreed" is the share
on which both answers are the same (a process that runs moves pages meanwhile).
MISPLACED marks memory that is bound to some nodes and found on others. POLICY
is the mapping's own; "default" follows the thread that touches a page first.
)";

std::string pages_text(const mapping_memory& mapping) {
    std::vector<std::pair<node_id, bytes>> order(mapping.on_node.begin(), mapping.on_node.end());
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
    std::string text;
    const auto all = static_cast<double>(mapping.resident().value);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 3 && order.size() > 4) { return text + " +" + std::to_string(order.size() - i) + " more"; }
        text += (text.empty() ? "" : " ") + std::to_string(order[i].first.value) + ":" +
                fixed(100 * static_cast<double>(order[i].second.value) / all, 0) + "%";
    }
    return text;
}

std::string address(std::uint64_t value) {
    std::string digits;
    do { digits.insert(digits.begin(), "0123456789abcdef"[value % 16]); } while ((value /= 16) != 0);
    return digits;
}

std::vector<const mapping_memory*> largest(const process_memory& process, std::size_t most) {
    std::vector<const mapping_memory*> order;
    for (const auto& mapping : process.mappings) {
        if (mapping.resident().value != 0) { order.push_back(&mapping); }
    }
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
        return a->resident() != b->resident() ? a->resident() > b->resident() : a->start < b->start;
    });
    order.resize(std::min(order.size(), most));
    return order;
}

bytes misplaced(const process_memory& process) {
    bytes sum;
    for (const auto& mapping : process.mappings) { sum = sum + mapping.misplaced; }
    return sum;
}

std::string check_text(const process_memory& process) {
    if (process.check_refused) {
        return "by numa_maps alone: move_pages was refused (" + process.check_refused.message() +
               "); it takes CAP_SYS_PTRACE and CAP_SYS_NICE, which a container's root may lack, too";
    }
    if (process.pages_checked == 0) { return "by numa_maps alone: no mapping is small enough to be checked page by page"; }
    const double share = static_cast<double>(process.pages_agreed) / static_cast<double>(process.pages_checked);
    return counted(process.pages_checked, "page") + " asked about again with move_pages: " + percent(share) + " agreed";
}

/// A file by its last name, cut where that is long.
std::string short_name(const std::string& name) {
    constexpr std::size_t most = 26;
    if (name.empty()) { return "anonymous"; }
    const auto slash = name.rfind('/');
    const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
    return columns(last) <= most ? last : last.substr(0, most - 3) + "...";
}

std::string text(const process_memory& process, const audit_options& asked) {
    const auto on_node = process.on_node();
    bytes all;
    for (const auto& [node, size] : on_node) { all = all + size; }
    std::string out = "process " + std::to_string(process.id) + " (" + process.name + ", uid " +
                      std::to_string(process.user) + "): " + amount(all) + " in memory, " + counted(process.mappings.size(), "mapping") +
                      (process.complete ? "" : " (the first of more; the rest was not read)") + '\n';
    if (all.value == 0) { return out + "nothing of it is in memory: a kernel thread, or a process that has ended\n"; }
    table nodes({"NODE", "IN MEMORY", "SHARE", ""}, "rrrl");
    for (const auto& [node, size] : on_node) {
        const double share = static_cast<double>(size.value) / static_cast<double>(all.value);
        nodes.add({std::to_string(node.value), amount(size), percent(share), bar(share, 40)});
    }
    out += '\n' + nodes.text() + '\n';
    const bytes wrong = misplaced(process);
    out += labelled("misplaced", wrong.value == 0 ? "nothing that is bound to nodes is on others"
                                                  : amount(wrong) + " bound to some nodes is on others", 11);
    out += labelled("checked", check_text(process), 11);

    const auto order = largest(process, asked.rows);
    if (order.empty()) { return out; }
    table rows({"ADDRESS", "IN MEMORY", "PAGE", "POLICY", "NODES", "WHAT"}, "rrrlll");
    for (const auto* mapping : order) {
        rows.add({address(mapping->start), amount(mapping->resident()), amount(mapping->page), mapping->policy,
                  pages_text(*mapping) + (mapping->misplaced.value == 0 ? "" : " MISPLACED"), short_name(mapping->what)});
    }
    return out + '\n' + "largest mappings\n" + rows.text();
}

json::object on_node_document(const std::map<node_id, bytes>& on_node) {
    json::object out;
    for (const auto& [node, size] : on_node) { out[std::to_string(node.value)] = size.value; }
    return out;
}

json::object document(const process_memory& process, std::size_t most) {
    json::array mappings;
    for (const auto* mapping : largest(process, most)) {
        mappings.push_back(json::object{{"start", mapping->start},
                                        {"policy", mapping->policy},
                                        {"what", mapping->what},
                                        {"page_bytes", mapping->page.value},
                                        {"bytes_on_node", on_node_document(mapping->on_node)},
                                        {"misplaced_bytes", mapping->misplaced.value}});
    }
    const bool checked = !process.check_refused && process.pages_checked != 0;
    return {{"pid", process.id},
            {"name", process.name},
            {"uid", process.user},
            {"complete", process.complete},
            {"bytes_on_node", on_node_document(process.on_node())},
            {"misplaced_bytes", misplaced(process).value},
            {"pages_checked", checked ? json::value(process.pages_checked) : json::value(nullptr)},
            {"pages_agreed", checked ? json::value(process.pages_agreed) : json::value(nullptr)},
            {"check_refused", process.check_refused ? json::value(process.check_refused.message()) : json::value(nullptr)},
            {"mappings_total", process.mappings.size()},
            {"mappings", std::move(mappings)}};
}

}  // namespace

void add_audit(CLI::App& program, exit_code& ended) {
    auto* const command = program.add_subcommand("audit", "Where the memory of a process is, mapping by mapping");
    const auto asked = std::make_shared<audit_options>();
    auto* const pid = command->add_option("PID", asked->pid, "The process")
                         ->check(CLI::Range(1, 4'194'304).description(""))->type_name("");
    auto* const self = command->add_flag("--self", asked->self, "This program itself: what any process gets here")
                          ->excludes(pid);
    auto* const rows = command->add_option("-n,--rows", asked->rows, "Mappings to show, largest first (10; JSON: all)")
        ->check(CLI::Range(0, 65'536).description(""))->type_name("N");
    command->add_flag("--json", asked->json, "One JSON document");
    command->footer(audit_footer);
    command->callback([asked, pid, self, rows, &ended] {
        if (pid->count() + self->count() == 0) { throw CLI::RequiredError("audit: PID or --self"); }
        const auto process = audit_process(asked->self ? 0 : asked->pid);
        if (asked->json) {
            std::cout << json::serialize(document(process, rows->count() != 0 ? asked->rows : process.mappings.size())) << '\n';
        } else {
            std::cout << text(process, *asked);
        }
        ended = done;
    });
}

}  // namespace numasio::cli
