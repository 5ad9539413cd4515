// A call and its reply, with 64 and with 1 in flight; and an empty task that only goes there: the bridge and its peers.
// Rust peers are linked in as a static library (bench/peers/rust_peers.hpp says why), so that one process alternates them all.
#include "round_trips.hpp"

#include <bench/peers/cpu_distance.hpp>

#include <string>

namespace {

using namespace numasio::bench;

std::size_t find(const std::vector<contender>& all, std::string_view name) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name.starts_with(name)) { return i; }
    }
    give_up(1, "no contender is called " + std::string(name));
}

void append(std::vector<contender>& to, std::vector<contender> more) {
    for (auto& one : more) { to.push_back(std::move(one)); }
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "round trips and one-way tasks through the bridge and its peers");
    const auto cpus = two_cpus(asked);
    std::vector<std::unique_ptr<rig>> rigs;
    for (const auto make : {make_bridge_rig, make_asio_rig, make_tokio_rig, make_ring_rig, make_tbb_rig}) {
        rigs.push_back(make(cpus));
    }
    const auto probe = [&] { return distance_between(cpus[0], cpus[1]); };

    for (const int in_flight : {64, 1}) {
        std::vector<contender> all;
        const int count = asked.repeats(in_flight == 1 ? 4'000 : 64'000);
        for (const auto& one : rigs) { append(all, one->round_trips(in_flight, count)); }
        const auto rounds = interleave(all, asked.rounds, probe);
        print_by_regime("Round trips, " + std::to_string(in_flight) + " in flight", "million/s", all, rounds,
                        {find(all, "asio::post both ways, callbacks"), find(all, "asio::post both ways, co_await"),
                         find(all, "asio::post both ways, co_await deferred"), find(all, "Tokio mpsc + oneshot, current"),
                         find(all, "Tokio mpsc + oneshot, 2 workers")});
    }
    std::vector<contender> all;
    for (const auto& one : rigs) { append(all, one->one_way(asked.repeats(100'000))); }
    const auto rounds = interleave(all, asked.rounds, probe);
    print_by_regime("Outside thread to worker, empty task", "million/s", all, rounds,
                    {find(all, "asio::post"), find(all, "oneTBB task_arena"), find(all, "Tokio spawn")});
}
