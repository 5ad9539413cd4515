// samples/kv, with either front, against redis-server: the same client, the same cores, in turn; medians and paired ratios.
#include "bench/kv/load.hpp"
#include "bench/kv/server_process.hpp"

#include <bench/peers/options.hpp>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace numasio::bench {
namespace {

constexpr std::uint16_t redis_port = 17379;
constexpr std::uint16_t kv_port = 17380;
constexpr std::uint16_t kv_http = 17381;
constexpr std::uint16_t reactor_port = 17382;
constexpr std::uint16_t reactor_http = 17383;
constexpr std::uint16_t parked_port = 17384;
constexpr std::uint16_t parked_http = 17385;

struct round_figures {
    double per_second = 0, p50 = 0, p99 = 0, p999 = 0, user = 0, total = 0;  // µs; CPU µs per request
    std::uint64_t errors = 0;
};

struct contender {
    std::string name;
    std::vector<std::string> command;
    std::uint16_t port;
};

std::vector<std::string> kv_command(const std::string& front, std::uint16_t port, std::uint16_t http) {
    return {std::string(NUMASIO_BIN) + "/numasio-kv", "--front", front, "--port", std::to_string(port), "--http-port", std::to_string(http)};
}
/// The first is what the others are held against.
std::vector<contender> contenders() {
    return {{"redis-server", {"redis-server", "--port", std::to_string(redis_port), "--save", "", "--appendonly", "no"}, redis_port},
            {"front: lanes", kv_command("lanes", kv_port, kv_http), kv_port},
            {"front: reactor", kv_command("reactor", reactor_port, reactor_http), reactor_port}};
}
/// The reactor again, whose worker sleeps as soon as it has nothing to do.
std::vector<contender> timed_contenders() {
    auto all = contenders();
    all.push_back({"front: reactor, idle: park", kv_command("reactor", parked_port, parked_http), parked_port});
    all.back().command.insert(all.back().command.end(), {"--plan", NUMASIO_PARKED_PLAN});
    return all;
}
/// A spinning worker's idle turns would count as instructions, under valgrind far more of them than at full speed.
std::vector<contender> parked_contenders() {
    auto all = contenders();
    for (std::size_t i = 1; i < all.size(); ++i) { all[i].command.insert(all[i].command.end(), {"--plan", NUMASIO_PARKED_PLAN}); }
    return all;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

round_figures measure(const load& what, const server_process& server) {
    const auto before = server.cpu();
    const auto r = run(what, server.port());
    const auto after = server.cpu();
    const auto us = [&](double q) {
        return static_cast<double>(r.latency.quantile(q).value_or(std::chrono::nanoseconds(0)).count()) / 1e3;
    };
    const auto n = static_cast<double>(r.replies);
    const double total = (after.total - before.total) * 1e6 / n;
    const double user_ticks = after.user_ticks - before.user_ticks;
    const double ticks = user_ticks + after.system_ticks - before.system_ticks;
    return {n / r.seconds, us(0.5), us(0.99), us(0.999), ticks > 0 ? total * user_ticks / ticks : 0, total, r.errors};
}

std::vector<load> loads() {
    const std::string value(64, 'x');
    std::vector<load> all;
    for (const std::uint32_t pipeline : {1U, 16U}) {
        const std::uint64_t requests = pipeline == 1 ? 300'000 : 1'600'000;  // some two seconds
        const auto suffix = " P=" + std::to_string(pipeline);
        all.push_back({"SET" + suffix, resp({"SET", "key:%KEY%", value}), 50, pipeline, requests});
        all.push_back({"GET" + suffix, resp({"GET", "key:%KEY%"}), 50, pipeline, requests});
    }
    return all;
}

void compare(int rounds) {
    const auto all = timed_contenders();
    std::vector<std::unique_ptr<server_process>> servers;
    for (const auto& one : all) { servers.push_back(std::make_unique<server_process>(one.name, one.command, one.port)); }
    std::printf("64-byte values, 10,000 keys, 50 connections, P commands in flight on each; %d rounds in turn; medians.\n"
                "Ratio = numasio-kv / redis-server, median of the pairs (min … max).\n\n"
                "| load | server | req/s | p50 µs | p99 µs | p99.9 µs | user µs/req | CPU µs/req | errors |\n"
                "|---|---|---|---|---|---|---|---|---|\n",
                rounds);
    for (const auto& what : loads()) {
        std::vector<std::vector<round_figures>> rows(all.size());
        for (const auto& server : servers) { measure(what, *server); }  // warm-up, not counted
        for (int i = 0; i < rounds; ++i) {
            for (std::size_t s = 0; s < servers.size(); ++s) { rows[s].push_back(measure(what, *servers[s])); }
        }
        const auto column = [](const std::vector<round_figures>& of, double round_figures::*field) {
            std::vector<double> values;
            for (const auto& r : of) { values.push_back(r.*field); }
            return values;
        };
        for (std::size_t s = 0; s < all.size(); ++s) {
            std::uint64_t errors = 0;
            for (const auto& r : rows[s]) { errors += r.errors; }
            std::printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f | %llu |\n", what.name.c_str(), all[s].name.c_str(),
                        median(column(rows[s], &round_figures::per_second)), median(column(rows[s], &round_figures::p50)),
                        median(column(rows[s], &round_figures::p99)), median(column(rows[s], &round_figures::p999)),
                        median(column(rows[s], &round_figures::user)), median(column(rows[s], &round_figures::total)),
                        static_cast<unsigned long long>(errors));
        }
        for (std::size_t s = 1; s < all.size(); ++s) {
            std::printf("| %s | %s ÷ redis |", what.name.c_str(), all[s].name.c_str());
            for (const auto field : {&round_figures::per_second, &round_figures::p50, &round_figures::p99,
                                     &round_figures::p999, &round_figures::user, &round_figures::total}) {
                std::vector<double> ratios;
                for (std::size_t i = 0; i < rows[s].size(); ++i) { ratios.push_back(rows[s][i].*field / std::max(rows[0][i].*field, 1e-9)); }
                std::sort(ratios.begin(), ratios.end());
                std::printf(" %.2f (%.2f … %.2f) |", median(ratios), ratios.front(), ratios.back());
            }
            std::printf(" |\n");
        }
        std::fflush(stdout);
    }
}

std::uint64_t heap_count(const server_process& server, const std::string& file) {
    std::filesystem::remove(file);
    kill(server.pid(), SIGUSR2);
    std::uint64_t n = 0;
    for (int tries = 0; tries < 200; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        if (std::ifstream in(file); in >> n) { return n; }
    }
    throw std::runtime_error(server.name() + " did not write its heap count");
}

void count_heap() {
    std::printf("\nHeap allocations per request (malloc, calloc, realloc, aligned_alloc; operator new is malloc),\n"
                "counted by interposing them in the server over 200,000 requests after a warm-up:\n\n"
                "| load | redis-server | front: lanes | front: reactor |\n|---|---|---|---|\n");
    const std::string preload = "LD_PRELOAD=" + std::string(NUMASIO_BIN) + "/libcount_heap.so";
    const auto per_request = [&](const std::string& name, const std::vector<std::string>& command, std::uint16_t port,
                                 load what) {
        const std::string file = "/tmp/numasio-heap-" + std::to_string(port);
        const server_process server(name, command, port, {preload, "NUMASIO_HEAP_COUNT=" + file});
        what.requests = 50'000;
        run({"fill", resp({"SET", "key:%KEY%", std::string(64, 'x')}), 50, 16, 200'000}, port);
        run(what, port);
        const auto before = heap_count(server, file);
        what.requests = 200'000;
        run(what, port);
        return static_cast<double>(heap_count(server, file) - before) / 200'000;
    };
    for (const auto& what : loads()) {
        std::printf("| %s |", what.name.c_str());
        for (const auto& one : contenders()) { std::printf(" %.3f |", per_request(one.name, one.command, one.port, what)); }
        std::printf("\n");
        std::fflush(stdout);
    }
}

/// Instructions of one server run that serves `requests`, from callgrind's own total.
double instructions(const std::string& name, std::vector<std::string> command, std::uint16_t port, load what,
                    std::uint64_t requests) {
    const std::string out = "/tmp/numasio-callgrind-" + std::to_string(port);
    std::filesystem::remove(out);
    command.insert(command.begin(), {"valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, "--quiet"});
    {
        const server_process server(name, command, port);
        what.requests = requests;
        run(what, port);
    }
    std::ifstream in(out);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("totals: ", 0) == 0 || line.rfind("summary: ", 0) == 0) {
            return std::stod(line.substr(line.find(' ') + 1));
        }
    }
    throw std::runtime_error("callgrind wrote no total for " + name);
}

void count_instructions() {
    if (std::system("valgrind --version >/dev/null 2>&1") != 0) {
        std::printf("\nInstructions per request: not measured (valgrind is not installed)\n");
        return;
    }
    std::printf("\nInstructions per request in user space (callgrind; the difference of 40,000 and 20,000 requests;\n"
                "numasio-kv with idle: park, so that waiting is not counted):\n\n"
                "| load | redis-server | front: lanes | front: reactor |\n|---|---|---|---|\n");
    for (const auto& what : loads()) {
        const auto per_request = [&](const std::string& name, const std::vector<std::string>& command,
                                     std::uint16_t port) {
            return (instructions(name, command, port, what, 40'000) - instructions(name, command, port, what, 20'000)) /
                   20'000;
        };
        std::printf("| %s |", what.name.c_str());
        for (const auto& one : parked_contenders()) { std::printf(" %.0f |", per_request(one.name, one.command, one.port)); }
        std::printf("\n");
        std::fflush(stdout);
    }
}

}  // namespace
}  // namespace numasio::bench

int main(int argc, char** argv) try {
    constexpr const char* times = "--times";
    auto asked = numasio::bench::parse_options(argc, argv, "both fronts of numasio-kv beside redis-server; --times: nothing is counted", {times}, 7);
    numasio::bench::compare(asked.quick ? 1 : asked.rounds);
    if (asked.has(times)) { return 0; }
    numasio::bench::count_heap();
    numasio::bench::count_instructions();
} catch (const std::exception& e) {
    std::fprintf(stderr, "bench_kv: %s\n", e.what());
    return 1;
}
