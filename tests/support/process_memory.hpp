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

}  // namespace numasio::test
