// Reading the command line.
#include "options.hpp"

#include "built_in_plan.hpp"  // kv.yaml as text, made by CMake

#include <numasio/load_plan.hpp>
#include <numasio/plan_limits.hpp>

#include <charconv>
#include <limits>

namespace kv {
namespace {

template <class Number>
Number number(std::string_view option, std::string_view text, std::uint64_t most = std::numeric_limits<Number>::max()) {
    Number out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out > most) {
        throw usage_error(std::string(option) + " needs a number from 0 to " + std::to_string(most) + ", not \"" + std::string(text) + "\"");
    }
    return out;
}

numasio::pool_front front_named(std::string_view text) {
    for (const auto one : {numasio::pool_front::lanes, numasio::pool_front::reactor}) {
        if (text == to_string(one)) { return one; }
    }
    throw usage_error("--front needs lanes or reactor, not \"" + std::string(text) + "\"");
}

/// "a, b" of the names in `items`; "none".
template <class Items>
std::string names(const Items& items) {
    std::string out;
    for (const auto& item : items) { out += (out.empty() ? "" : ", ") + item.name; }
    return out.empty() ? "none" : out;
}

/// What a plan without "kv" in `section` gets to read.
template <class Items>
usage_error lacks_kv(const std::string& file, std::string_view what, std::string_view section, const Items& items,
                     const std::string& value) {
    const std::string named(section);
    return usage_error(file + ": the plan has no " + std::string(what) + " \"kv\" (" + named + " that it has: " +
                       names(items) + "); add " +
                       (items.empty() ? "the line \"" + named + ": { kv: " + value + " }\""
                                      : "to its section \"" + named + "\" the line \"kv: " + value + "\""));
}

void require_names(const numasio::plan& plan, const std::string& file) {
    if (plan.find_pool("kv") == nullptr) { throw lacks_kv(file, "pool", "pools", plan.pools, "auto"); }
    if (plan.find_pool("kv")->lane.capacity < 2) {
        throw usage_error(file + ": pools.kv.lane.capacity: 1 place has no room for an MSET, which takes two on each "
                                 "worker's lane; take 2 or more");
    }
    if (plan.find_pool("kv")->idle.strategy == numasio::idle_strategy::caller_drives) {
        throw usage_error(file + ": pools.kv.idle.strategy: numasio-kv has no loop that would run a worker of "
                                 "caller_drives; take spin_then_park, busy_spin or park");
    }
    if (plan.find_listener("kv") == nullptr) {
        throw lacks_kv(file, "listener", "listeners", plan.listeners, "127.0.0.1:7379");
    }
    for (const auto& pool : plan.pools) {
        if (pool.name == "kv") { continue; }
        throw usage_error(file + ": numasio-kv has no service for the pool \"" + pool.name +
                          "\": its only pool is \"kv\"; remove the other from the plan");
    }
}

}  // namespace

options read_options(int argc, char** argv) {
    options out;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto equals = word.starts_with("--") ? word.find('=') : word.npos;
        const auto option = word.substr(0, equals);
        const auto value = [&]() -> std::string_view {
            if (equals != word.npos) { return word.substr(equals + 1); }
            if (i + 1 >= argc) { throw usage_error(std::string(option) + " needs a value\n" + std::string(usage)); }
            return argv[++i];
        };
        const auto flag = [&](bool& set) {
            if (equals != word.npos) { throw usage_error(std::string(option) + " takes no value"); }
            set = true;
        };
        if (option == "--plan") { out.plan = value(); }
        else if (option == "--simulate-nodes") { out.simulate_nodes = number<std::uint32_t>(option, value(), numasio::plan_limits::simulate_nodes.high); }
        else if (option == "--port") { out.port = number<std::uint16_t>(option, value()); }
        else if (option == "--http-port") { out.http_port = number<std::uint16_t>(option, value()); }
        else if (option == "--front") { out.front = front_named(value()); }
        else if (option == "--check") { flag(out.check); }
        else if (option == "--version") { flag(out.version); }
        else if (option == "--help" || option == "-h") { flag(out.help); }
        else if (!option.starts_with('-') && out.plan.empty()) { out.plan = option; }
        else { throw usage_error("unknown option " + std::string(option) + "\n" + std::string(usage)); }
    }
    return out;
}

numasio::plan plan_of(const options& asked) {
    auto plan = asked.plan.empty() ? numasio::parse_plan(built_in_plan, "kv.yaml (built in)")
                                   : numasio::load_plan(asked.plan);
    require_names(plan, asked.plan.empty() ? "kv.yaml (built in)" : asked.plan);
    if (asked.simulate_nodes) { plan.simulate_nodes = *asked.simulate_nodes; }
    if (asked.front) {
        for (auto& pool : plan.pools) { pool.front = *asked.front; }
    }
    for (auto& listener : plan.listeners) {
        if (listener.name != "kv" && listener.name != "http") { continue; }
        const auto& port = listener.name == "kv" ? asked.port : asked.http_port;
        if (port) { listener.port = *port; }
        // A check opens what the start would open, beside a server that runs already.
        if (asked.check) { listener.port = 0; }
    }
    return plan;
}

std::vector<std::string> listeners_not_served(const numasio::plan& plan) {
    std::vector<std::string> out;
    for (const auto& listener : plan.listeners) {
        if (listener.name == "kv" || listener.name == "http") { continue; }
        out.push_back("nothing listens on " + listener.address + ":" + std::to_string(listener.port) + ": listener \"" +
                      listener.name + "\" is none of ours (they are kv and http)");
    }
    return out;
}

}  // namespace kv
