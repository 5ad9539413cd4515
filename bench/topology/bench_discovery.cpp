// Discovery of 8 nodes of 256 CPUs, against hwloc_topology_load() alone, turn by turn: milliseconds of each, and their ratio.
#include <numasio/topology.hpp>

#include <benchmark/benchmark.h>
#include <hwloc.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr const char* description = "pack:8 [numa(memory=64GB)] l3:16 core:8 pu:2";

/// The same machine as a file, with distances, for as long as this lives.
class machine_file {
public:
    machine_file() {
        std::string text = numasio::topology_xml(std::string("synthetic:") + description);
        std::string values;
        for (int i = 0; i < 64; ++i) { values += i % 9 == 0 ? "10 " : "21 "; }
        text.insert(text.rfind("</topology>"),
                    "<distances2 type=\"NUMANode\" nbobjs=\"8\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\"><indexes length=\"16\">"
                    "0 1 2 3 4 5 6 7 </indexes><u64values length=\"" + std::to_string(values.size()) + "\">" + values +
                    "</u64values></distances2>\n");
        std::ofstream(path_) << text;
    }
    ~machine_file() { std::filesystem::remove(path_); }
    machine_file(const machine_file&) = delete;
    machine_file& operator=(const machine_file&) = delete;
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("bench_discovery_" + std::to_string(::getpid()) + ".xml");
};

void load_by_hwloc(const std::string& source) {
    hwloc_topology_t machine = nullptr;
    hwloc_topology_init(&machine);
    // As numasio asks it.
    hwloc_topology_set_flags(machine, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
    int refused = 0;
    if (source.compare(0, 10, "synthetic:") == 0) {
        refused = hwloc_topology_set_synthetic(machine, source.c_str() + 10);
    } else if (source != "live") {
        refused = hwloc_topology_set_xml(machine, source.c_str());
    }
    if (refused != 0 || hwloc_topology_load(machine) != 0) { std::abort(); }
    hwloc_topology_destroy(machine);
}

void turn_by_turn(benchmark::State& state, const std::string& source, std::size_t cpus) {
    if (cpus != 0 && numasio::discover_topology(source).cpus.size() != cpus) { std::abort(); }
    std::chrono::duration<double> by_hwloc{};
    std::chrono::duration<double> by_numasio{};
    for (auto _ : state) {
        const auto began = clock_type::now();
        load_by_hwloc(source);
        const auto between = clock_type::now();
        benchmark::DoNotOptimize(numasio::discover_topology(source));
        const std::chrono::duration<double> took = clock_type::now() - between;
        by_hwloc += between - began;
        by_numasio += took;
        state.SetIterationTime(took.count());
    }
    const auto turns = static_cast<double>(state.iterations());
    state.counters["hwloc_ms"] = by_hwloc.count() / turns * 1e3;
    state.counters["numasio_ms"] = by_numasio.count() / turns * 1e3;
    state.counters["ratio"] = by_numasio / by_hwloc;
}

}  // namespace

int main(int argc, char** argv) {
    const machine_file file;
    const auto add = [](const char* name, const std::string& source, std::size_t cpus) {
        benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { turn_by_turn(state, source, cpus); })
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
    };
    add("discovery/synthetic_8x256", std::string("synthetic:") + description, 2048);
    add("discovery/xml_8x256", file.path(), 2048);
    add("discovery/live", "live", 0);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
