// What is known of each machine, counted from the files and descriptions and not from what the library answers.
#include "contract/machines.hpp"

namespace numasio::test {
namespace {

node_distance between(std::uint32_t from, std::uint32_t to, std::uint32_t value) { return {{from}, {to}, value}; }

}  // namespace

const std::vector<shape>& shapes() {
    static const std::vector<shape> all{
        // name, source, nodes, CPUs, packages, executor nodes, allowed, {CPU, core, L3 group, node, memory}, distance, offline
        {"one_cpu", "synthetic:core:1 pu:1", 1, 1, 1, "0", "0", {0, "0", "0", 0, 0}, {}},
        {"desktop", "synthetic:pack:1 l3:1 core:8 pu:2", 1, 16, 1, "0", "0-15", {5, "4-5", "0-15", 0, 0}, {}},
        {"hybrid_desktop", "hybrid.xml", 1, 12, 1, "0", "0-11", {7, "6-7", "0-11", 0, 0}, {}},
        {"no_l3", "synthetic:pack:1 l2:4 core:2 pu:1", 1, 8, 1, "0", "0-7", {3, "3", "2-3", 0, 0}, {}},
        {"two_sockets", "two_sockets.xml", 2, 16, 2, "0-1", "0-15", {10, "2,10", "0-3,8-11", 0, 0}, between(0, 1, 21)},
        {"two_sockets_without_smt", "synthetic:pack:2 numa:1 l3:1 core:16 pu:1", 2, 32, 2, "0-1", "0-31",
         {17, "17", "16-31", 1, 1}, {}},
        {"interleaved_cpus", "synthetic:pack:2 numa:1 core:4 pu:1(indexes=0,2,4,6,1,3,5,7)", 2, 8, 2, "0-1", "0-7",
         {3, "3", "1,3,5,7", 1, 1}, {}},
        {"four_sockets", "synthetic:pack:4 [numa(memory=64GB)] l3:1 core:12 pu:2", 4, 96, 4, "0-3", "0-95",
         {95, "94-95", "72-95", 3, 3}, {}},
        {"eight_sockets", "eight_sockets.xml", 8, 32, 8, "0-7", "0-31", {13, "12-13", "12-15", 3, 3}, between(3, 4, 22)},
        {"epyc_nps4", "nps4.xml", 4, 16, 1, "0-3", "0-15", {8, "8", "8-9", 2, 2}, between(0, 3, 12)},
        {"two_epycs_nps4", "synthetic:pack:2 numa:4 l3:2 core:4 pu:2", 8, 128, 2, "0-7", "0-127",
         {127, "126-127", "120-127", 7, 7}, {}},
        {"xeon_snc2", "synthetic:pack:2 numa:2 l3:1 core:8 pu:2", 4, 64, 2, "0-3", "0-63", {40, "40-41", "32-47", 2, 2}, {}},
        {"xeon_snc_with_hbm", "snc_hbm.xml", 4, 4, 1, "0-1", "0-3", {3, "3", "2-3", 1, 1}, between(0, 2, 13)},
        {"xeon_max_snc4_flat", "snc4_hbm_flat.xml", 8, 16, 1, "0-3", "0-15", {13, "5,13", "4-5,12-13", 2, 2}, between(2, 6, 13)},
        {"knights_landing_flat", "synthetic:pack:1 [numa(memory=96GB)] [numa(memory=16GB)] core:64 pu:4", 2, 256, 1, "0",
         "0-255", {255, "252-255", "0-255", 0, 0}, {}},
        {"grace_with_gpu_memory", "grace.xml", 5, 12, 2, "0-1", "0-11", {7, "7", "6-11", 1, 1}, between(1, 10, 80)},
        {"power9_with_gpu_memory", "power9.xml", 6, 24, 2, "0,8", "0-11,80-91", {81, "80-83", "80-83", 8, 8},
         between(8, 255, 80)},
        {"cxl_memory", "cxl.xml", 3, 4, 2, "0-1", "0-3", {1, "1", "0-1", 0, 0}, between(1, 2, 34)},
        {"memory_less_node", "memory_less.xml", 3, 6, 3, "0-2", "0-5", {3, "3", "2-3", 1, 2}, between(1, 0, 31)},
        {"nodes_0_and_2", "zero_and_two.xml", 2, 4, 2, "0,2", "0-1,4-5", {5, "5", "4-5", 2, 2}, between(2, 0, 20)},
        {"sparse_and_memory_less", "sparse.xml", 4, 8, 4, "0,2,70-71", "0-1,100-101,200-201,300-301", {201, "201", "200-201", 70, 2},
         between(70, 71, 35)},
        {"high_numbers", "high_numbers.xml", 2, 8, 2, "64,1000", "1500-1503,1600-1603", {1602, "1602-1603", "1600-1603", 1000, 1000},
         between(1000, 64, 17)},
        {"smt_off", "smt_off.xml", 2, 4, 2, "0-1", "0-3", {2, "2", "2-3", 1, 1}, between(0, 1, 21), "4-7"},
        {"cpuset_of_one_cpu", "restricted.xml", 2, 4, 2, "0", "1", {1, "1", "1", 0, 0}, {}},
        {"cpuset_over_two_nodes", "container.xml", 4, 16, 4, "1-2", "5-6,8-11", {9, "9", "8-11", 2, 1}, between(2, 1, 20)},
        {"hmat", "hmat.xml", 3, 8, 2, "0-1", "0-7", {6, "6-7", "4-7", 1, 1}, between(2, 0, 24)},
        {"eight_nodes_of_256_cpus", "synthetic:pack:8 [numa(memory=64GB)] l3:16 core:8 pu:2", 8, 2048, 8, "0-7", "0-2047",
         {2047, "2046-2047", "2032-2047", 7, 7}, {}},
    };
    return all;
}

std::string source_of(const shape& machine) {
    if (machine.source.compare(0, 10, "synthetic:") == 0) { return machine.source; }
    return NUMASIO_SOURCE_DIR "/tests/src/machines/" + machine.source;
}

}  // namespace numasio::test
