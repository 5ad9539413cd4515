// A closed-loop client: connections that each keep a fixed number of commands in flight.
#pragma once

#include <numasio/status.hpp>

#include <cstdint>
#include <string>

namespace numasio::bench {

struct load {
    std::string name;          // "SET", "GET", …
    std::string command;       // RESP; "%KEY%" stands for twelve digits that vary
    std::uint32_t connections = 50;
    std::uint32_t pipeline = 1;
    std::uint64_t requests = 100'000;
    std::uint32_t keys = 10'000;
};

struct load_result {
    double seconds = 0;
    std::uint64_t replies = 0;
    std::uint64_t errors = 0;      // replies that begin with '-'
    latency_histogram latency;     // a command's batch sent → its reply read
};

/// One RESP command of the given words.
std::string resp(std::initializer_list<std::string_view> words);

/// Runs the load against 127.0.0.1:port from the calling thread.
/// Fails: throws std::runtime_error if the server closes a connection or answers nothing for 30 s.
load_result run(const load& what, std::uint16_t port);

}  // namespace numasio::bench
