// The servers that a test is run against: each front, with one worker and with several.
#pragma once

#include "support/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>

namespace kv::test {

struct server_shape {
    std::string front;
    std::uint32_t workers = 1;

    friend void PrintTo(const server_shape& shape, std::ostream* out) { *out << shape.front << ", workers: " << shape.workers; }
};

inline std::string shape_name(const testing::TestParamInfo<server_shape>& shape) {
    return shape.param.front + (shape.param.workers == 1 ? "_1_worker" : "_several_workers");
}

/// Where there are two CPUs at least, as many workers as there are CPUs, up to four.
inline std::uint32_t several_workers() { return std::clamp(usable_cpus(), 2U, 4U); }

inline auto every_shape() {
    return testing::Values(server_shape{"lanes", 1}, server_shape{"lanes", several_workers()}, server_shape{"reactor", 1},
                           server_shape{"reactor", several_workers()});
}
/// For what happens between workers.
inline auto shapes_of_several_workers() {
    return testing::Values(server_shape{"lanes", several_workers()}, server_shape{"reactor", several_workers()});
}

class on_each_front : public testing::TestWithParam<server_shape> {
protected:
    plan_options plan() const { return {.workers = GetParam().workers, .front = GetParam().front}; }
};

}  // namespace kv::test
