// A port that nobody listens on at this moment.
#pragma once

#include <cstdint>

namespace numasio::test {

std::uint16_t free_port();

}  // namespace numasio::test
