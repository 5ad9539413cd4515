// What the kernel says this process has mapped and locked.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace numasio::test {

/// A figure of /proc/self/status in KiB: "VmSize", "VmLck".
inline std::uint64_t status_kib(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word != name + ":") { continue; }
        std::uint64_t kib = 0;
        status >> kib;
        return kib;
    }
    ADD_FAILURE() << "no " << name << " in /proc/self/status";
    return 0;
}

/// What is mapped for writing, in KiB: not what the C library reserves for a thread's heap without use.
inline std::uint64_t writable_kib() {
    std::ifstream maps("/proc/self/maps");  // "7f0000000000-7f0000021000 rw-p 00000000 00:00 0"
    std::uint64_t sum = 0;
    for (std::string line; std::getline(maps, line);) {
        std::size_t dash = 0;
        const auto start = std::stoull(line, &dash, 16);
        const auto end = std::stoull(line.substr(dash + 1), nullptr, 16);
        if (line.find(" rw") != std::string::npos) { sum += (end - start) >> 10; }
    }
    EXPECT_GT(sum, 0U);
    return sum;
}

}  // namespace numasio::test
