// Any bytes are a plan or a plan_error with places; a plan has a layout or a plan_error.
#include <numasio/layout.hpp>
#include <numasio/load_plan.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

void require(bool kept) {
    if (!kept) { std::abort(); }
}

/// Two nodes of two cores with two hardware threads; CPU 3 is not allowed.
numasio::topology small_machine() {
    numasio::topology out;
    out.nodes.resize(2);
    for (std::uint32_t n = 0; n < 2; ++n) {
        out.nodes[n].id = {n};
        out.nodes[n].memory = {1ULL << 30};
    }
    for (std::uint32_t id = 0; id < 8; ++id) {
        const std::uint32_t node = id / 4;
        out.nodes[node].cpus.push_back({id});
        out.cpus.push_back({{id}, {node}, id / 2, node, node, id % 2, id != 3});
    }
    return out;
}

void check_layout(const numasio::plan& asked, const numasio::topology& machine) {
    try {
        const auto sites = numasio::make_layout(asked, machine);
        require(!sites.control.empty() && sites.workers.size() >= asked.pools.size());
        for (const auto& worker : sites.workers) {
            const auto* cpu = machine.find(worker.cpu);
            require(cpu != nullptr && cpu->allowed && cpu->node == worker.node);
        }
    } catch (const numasio::plan_error& e) {
        require(!e.problems().empty());
        for (const auto& problem : e.problems()) { require(problem.where.line >= 1 && !problem.what.empty()); }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const numasio::topology machine = small_machine();
    const std::string text(data, data + size);
    try {
        const numasio::plan asked = numasio::parse_plan(text);
        require(!asked.pools.empty() && !text.empty() && text.back() == '\n');
        check_layout(asked, machine);
    } catch (const numasio::plan_error& e) {
        require(!e.problems().empty() && e.problems().size() <= 101);
        for (const auto& problem : e.problems()) {
            require(problem.where.line >= 1 && problem.where.column >= 1 && !problem.what.empty());
        }
    }
    return 0;
}
