// Reading the command line.
#include "options.hpp"

#include "built_in_plan.hpp"  // kv.yaml as text, made by CMake

#include <numasio/load_plan.hpp>

#include <charconv>
#include <limits>

namespace kv {
namespace {

template <class Number>
Number number(std::string_view option, std::string_view text, unsigned low) {
    Number out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out < low) {
        throw usage_error(std::string(option) + " needs a number from " + std::to_string(low) + " to " +
                          std::to_string(std::numeric_limits<Number>::max()) + ", not \"" + std::string(text) + "\"");
    }
    return out;
}

}  // namespace

options read_options(int argc, char** argv) {
    options out;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto value = [&]() -> std::string_view {
            if (i + 1 >= argc) { throw usage_error(std::string(option) + " needs a value\n" + std::string(usage)); }
            return argv[++i];
        };
        if (option == "--plan") { out.plan = value(); }
        else if (option == "--simulate-nodes") { out.simulate_nodes = number<std::uint32_t>(option, value(), 1); }
        else if (option == "--port") { out.port = number<std::uint16_t>(option, value(), 0); }
        else if (option == "--http-port") { out.http_port = number<std::uint16_t>(option, value(), 0); }
        else if (option == "--check") { out.check = true; }
        else if (option == "--help" || option == "-h") { out.help = true; }
        else if (!option.starts_with('-') && out.plan.empty()) { out.plan = option; }
        else { throw usage_error("unknown option " + std::string(option) + "\n" + std::string(usage)); }
    }
    return out;
}

numasio::plan plan_of(const options& asked) {
    auto plan = asked.plan.empty() ? numasio::parse_plan(built_in_plan, "kv.yaml (built in)")
                                   : numasio::load_plan(asked.plan);
    if (asked.simulate_nodes) { plan.simulate_nodes = *asked.simulate_nodes; }
    for (auto& listener : plan.listeners) {
        if (listener.name == "kv" && asked.port) { listener.port = *asked.port; }
        if (listener.name == "http" && asked.http_port) { listener.port = *asked.http_port; }
    }
    return plan;
}

}  // namespace kv
