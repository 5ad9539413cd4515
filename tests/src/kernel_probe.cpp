// A small real program that pins, binds, prefaults and audits, and prints what came of it; run under strace.
#include <numasio/affinity.hpp>
#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include <iostream>

namespace {

void say(const char* step, numasio::error_code ec) {
    std::cout << step << '=';
    if (ec) {
        std::cout << ec.category().name() << ':' << ec.value() << '\n';
    } else {
        std::cout << "ok\n";
    }
}

}  // namespace

int main() {
    using namespace numasio;
    const topology machine = discover_topology();
    const node_info& node = machine.nodes.front();
    std::cout << "origin=" << to_string(machine.origin) << '\n'
              << "allowed_cpus=" << machine.allowed_cpus().size() << '\n'
              << "usable_cpus=" << limits_now().usable_cpus().size() << '\n'
              << "cpuset=" << (limits_now().cpuset_cpus ? "seen" : "absent") << '\n'
              << "memory_allowed=" << (node.memory_allowed ? "yes" : "no") << '\n'
              << "free_memory=" << node.free_memory.value << '\n';

    const std::vector<cpu_id> first{machine.allowed_cpus().front()};
    say("pin", pin_this_thread(first));
    say("thread_memory", set_this_thread_memory(node.id, memory_policy::bind));

    constexpr std::size_t pages = 1500;  // more than one query of 1024
    node_region region(bytes{pages * 4096});
    say("bind", region.bind(node.id, memory_policy::bind));
    say("prefault", region.prefault());
    const page_audit audit = region.audit();
    std::cout << "asked=" << audit.asked << "\nunknown=" << audit.unknown << "\nratio=";
    if (const auto ratio = audit.ratio(node.id)) {
        std::cout << *ratio << '\n';
    } else {
        std::cout << "absent\n";
    }
    return 0;
}
