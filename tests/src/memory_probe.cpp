// A real program that makes a region as its arguments say, uses it and drops it, and prints what came of it; run under strace.
// Arguments: strict or best_effort, then any of base, lock, pinned, migrate, weighted.
#include <numasio/node_region.hpp>
#include <numasio/topology.hpp>

#include "support/process_memory.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace numasio;

std::string text(error_code ec) {
    return ec ? std::string(ec.category().name()) + ":" + std::to_string(ec.value()) : "ok";
}

void use(node_region& region, bool migrate, node_id node) {
    std::fill(region.data().begin(), region.data().end(), std::byte{7});
    if (migrate) { std::cout << "migrate=" << text(region.migrate(node)) << '\n'; }
    const auto bytes = region.data();  // compared with themselves, a byte on: a sanitizer looks at a range once, at elements one by one
    const bool sevens = bytes.front() == std::byte{7} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
    std::cout << "usable=" << (sevens ? "yes" : "no") << '\n';
    const region_placement& got = region.placed();
    std::cout << "outcome=" << to_string(got.outcome) << "\nbound=" << (got.bound ? "yes" : "no") << "\nlost=";
    for (const auto& loss : got.lost) { std::cout << loss.step << ';'; }
    std::cout << '\n';
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    const auto asks = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const topology machine = discover_topology();
    region_options options;
    options.nodes = {machine.nearest_memory(machine.executor_nodes().front()).value()};
    options.enforce = asks("strict") ? enforcement::strict : enforcement::best_effort;
    options.lock = asks("lock");
    if (asks("base")) { options.pages = page_kind::base; }
    if (asks("weighted")) { options.policy = memory_policy::weighted_interleave; }
    if (asks("pinned")) { options.touch.cpus = {machine.allowed_cpus().front()}; }

    const auto before = test::writable_kib();
    try {
        node_region region(bytes{48U << 20}, options);
        std::cout << "made=ok\n";
        use(region, asks("migrate"), options.nodes.front());
    } catch (const boost::system::system_error& e) {
        std::cout << "made=" << text(e.code()) << "\nwhat=" << e.what() << '\n';
    }
    // What the library and the C library keep for later is less than the region.
    std::cout << "left=" << (test::writable_kib() < before + (40U << 10) ? "nothing" : "a mapping") << '\n';
    return 0;
}
