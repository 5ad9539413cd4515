// numasioctl probe: what is allowed here, by trying.
#include <control_plane/cli/commands.hpp>

#include <control_plane/cli/text.hpp>
#include <src/call_probe.hpp>
#include <src/platform/errno_name.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

namespace numasio::cli {
namespace {

namespace json = boost::json;

constexpr const char* probe_footer = R"(Each call that numasio makes is made, in a child process that leaves nothing
behind; nothing is concluded from capabilities. Calls marked * are what
placement stands on: pinning, binding, reading back. With all of them granted
the exit status is 0, else 3. "refused" can be changed by somebody; "absent" is
not in this kernel or machine.
)";

bool from_kernel(const call_report& report) { return report.error && report.error.category() == boost::system::system_category(); }

std::string error_text(const call_report& report) {
    if (report.killed_by != 0) { return "signal " + std::to_string(report.killed_by); }
    if (from_kernel(report)) { return platform::errno_name(report.error.value()); }
    return report.error ? report.error.message() : "";
}

std::string text(const std::vector<call_report>& reports) {
    table rows({"", "CALL", "FOR", "ANSWER", ""});
    std::size_t number = 0;
    std::string remedies;
    std::size_t granted = 0;
    for (const auto& report : reports) {
        const bool good = report.answer == call_answer::granted;
        granted += good ? 1 : 0;
        const std::string note = good ? "" : " [" + std::to_string(++number) + "]";
        std::string said = error_text(report);
        if (!report.found.empty()) { said += (said.empty() ? "" : ": ") + report.found; }
        rows.add({report.need == call_need::placement ? "*" : " ", report.call, report.asked,
                  std::string(to_string(report.answer)) + note, said});
        if (good) { continue; }
        remedies += labelled("[" + std::to_string(number) + "]", report.call + ", " + report.asked + ": " + report.remedy, 5);
    }
    std::string out = rows.text() + '\n' + std::to_string(granted) + " of " + std::to_string(reports.size()) + " granted; placement (*) " +
                      (lacks_placement(reports) ? "is NOT fully possible here\n" : "can be enforced and read back here\n");
    return remedies.empty() ? out : out + '\n' + remedies;
}

json::object document(const std::vector<call_report>& reports) {
    json::array calls;
    for (const auto& report : reports) {
        json::value error = nullptr;
        if (report.error) {
            error = json::object{{"value", report.error.value()},
                                 {"name", from_kernel(report) ? json::value(platform::errno_name(report.error.value())) : json::value(nullptr)},
                                 {"category", report.error.category().name()},
                                 {"message", report.error.message()}};
        }
        calls.push_back(json::object{{"call", report.call},
                                     {"for", report.asked},
                                     {"placement", report.need == call_need::placement},
                                     {"answer", to_string(report.answer)},
                                     {"error", std::move(error)},
                                     {"killed_by", report.killed_by != 0 ? json::value(report.killed_by) : json::value(nullptr)},
                                     {"found", report.found},
                                     {"remedy", report.remedy}});
    }
    return {{"placement_possible", !lacks_placement(reports)}, {"calls", std::move(calls)}};
}

}  // namespace

void add_probe(CLI::App& program, exit_code& ended) {
    auto* const command = program.add_subcommand("probe", "What is allowed here: each call tried, with its remedy");
    const auto as_json = std::make_shared<bool>(false);
    command->add_flag("--json", *as_json, "One JSON document");
    command->footer(probe_footer);
    command->callback([as_json, &ended] {
        const auto reports = probe_calls(discover_topology());
        std::cout << (*as_json ? json::serialize(document(reports)) + '\n' : text(reports));
        ended = lacks_placement(reports) ? answered_no : done;
    });
}

}  // namespace numasio::cli
