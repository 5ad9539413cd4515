// samples/kv against redis-server: the same client, the same cores, in turn; medians and paired ratios.
#include "bench/kv/load.hpp"
#include "bench/kv/server_process.hpp"

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

struct round_figures {
    double per_second = 0, p50 = 0, p99 = 0, p999 = 0, user = 0, total = 0;  // µs; CPU µs per request
    std::uint64_t errors = 0;
};

std::vector<std::string> redis_command() {
    return {"redis-server", "--port", std::to_string(redis_port), "--save", "", "--appendonly", "no"};
}
std::vector<std::string> kv_command() {
    return {std::string(NUMASIO_BIN) + "/numasio-kv", "--port", std::to_string(kv_port), "--http-port",
            std::to_string(kv_http)};
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
    const double user = after.user - before.user;
    return {n / r.seconds, us(0.5), us(0.99), us(0.999), user * 1e6 / n,
            (user + after.system - before.system) * 1e6 / n, r.errors};
}

std::vector<load> loads() {
    const std::string value(64, 'x');
    std::vector<load> all;
    for (const std::uint32_t pipeline : {1U, 16U}) {
        const std::uint64_t requests = pipeline == 1 ? 60'000 : 400'000;
        const auto suffix = " P=" + std::to_string(pipeline);
        all.push_back({"SET" + suffix, resp({"SET", "key:%KEY%", value}), 50, pipeline, requests});
        all.push_back({"GET" + suffix, resp({"GET", "key:%KEY%"}), 50, pipeline, requests});
    }
    return all;
}

void compare(int rounds) {
    server_process redis("redis-server", redis_command(), redis_port);
    server_process kv("numasio-kv", kv_command(), kv_port);
    std::printf("64-byte values, 10,000 keys, 50 connections, P commands in flight on each; %d rounds in turn; medians.\n"
                "Ratio = numasio-kv / redis-server, median of the pairs (min … max).\n\n"
                "| load | server | req/s | p50 µs | p99 µs | p99.9 µs | user µs/req | CPU µs/req | errors |\n"
                "|---|---|---|---|---|---|---|---|---|\n",
                rounds);
    for (const auto& what : loads()) {
        std::vector<round_figures> a;
        std::vector<round_figures> b;
        measure(what, redis);  // warm-up, not counted
        measure(what, kv);
        for (int i = 0; i < rounds; ++i) {
            b.push_back(measure(what, redis));
            a.push_back(measure(what, kv));
        }
        const auto column = [](const std::vector<round_figures>& rows, double round_figures::*field) {
            std::vector<double> values;
            for (const auto& r : rows) { values.push_back(r.*field); }
            return values;
        };
        const auto print = [&](const char* name, const std::vector<round_figures>& rows) {
            std::uint64_t errors = 0;
            for (const auto& r : rows) { errors += r.errors; }
            std::printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f | %llu |\n", what.name.c_str(), name,
                        median(column(rows, &round_figures::per_second)), median(column(rows, &round_figures::p50)),
                        median(column(rows, &round_figures::p99)), median(column(rows, &round_figures::p999)),
                        median(column(rows, &round_figures::user)), median(column(rows, &round_figures::total)),
                        static_cast<unsigned long long>(errors));
        };
        print("redis-server", b);
        print("numasio-kv", a);
        std::printf("| %s | ratio |", what.name.c_str());
        for (const auto field : {&round_figures::per_second, &round_figures::p50, &round_figures::p99,
                                 &round_figures::p999, &round_figures::user, &round_figures::total}) {
            std::vector<double> ratios;
            for (std::size_t i = 0; i < a.size(); ++i) { ratios.push_back(a[i].*field / std::max(b[i].*field, 1e-9)); }
            std::sort(ratios.begin(), ratios.end());
            std::printf(" %.2f (%.2f … %.2f) |", median(ratios), ratios.front(), ratios.back());
        }
        std::printf(" |\n");
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
                "| load | redis-server | numasio-kv |\n|---|---|---|\n");
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
        const double redis = per_request("redis-server", redis_command(), redis_port, what);
        const double kv = per_request("numasio-kv", kv_command(), kv_port, what);
        std::printf("| %s | %.3f | %.3f |\n", what.name.c_str(), redis, kv);
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
    // A spinning worker's idle turns would count, under valgrind far more of them than at full speed.
    const std::vector<std::string> parked{std::string(NUMASIO_BIN) + "/numasio-kv", "--plan", NUMASIO_PARKED_PLAN};
    std::printf("\nInstructions per request in user space (callgrind; the difference of 40,000 and 20,000 requests;\n"
                "numasio-kv with idle: park, so that waiting is not counted):\n\n"
                "| load | redis-server | numasio-kv |\n|---|---|---|\n");
    for (const auto& what : loads()) {
        if (what.pipeline == 1) { continue; }
        const auto per_request = [&](const std::string& name, const std::vector<std::string>& command,
                                     std::uint16_t port) {
            return (instructions(name, command, port, what, 40'000) - instructions(name, command, port, what, 20'000)) /
                   20'000;
        };
        const double redis = per_request("redis-server", redis_command(), redis_port);
        const double kv = per_request("numasio-kv", parked, kv_port);
        std::printf("| %s | %.0f | %.0f |\n", what.name.c_str(), redis, kv);
        std::fflush(stdout);
    }
}

}  // namespace
}  // namespace numasio::bench

int main(int argc, char** argv) try {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
    numasio::bench::compare(rounds);
    numasio::bench::count_heap();
    numasio::bench::count_instructions();
} catch (const std::exception& e) {
    std::fprintf(stderr, "bench_kv: %s\n", e.what());
    return 1;
}
