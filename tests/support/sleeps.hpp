// How many sleeps a test of lost wake-ups goes through.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace numasio::test {

/// Some thousands; ./dev check and ./dev soak ask for more by NUMASIO_SLEEPS.
inline std::uint64_t sleeps_to_go_through() {
    const char* const asked = std::getenv("NUMASIO_SLEEPS");
    return asked == nullptr ? 20'000 : std::strtoull(asked, nullptr, 10);
}

}  // namespace numasio::test
