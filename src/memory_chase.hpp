// The two loops that memory is measured with. Private to src/.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace numasio {

/// Links all cache lines of `memory` into one random cycle: no prefetcher knows the next one.
/// Cost: four bytes beside each line, and about 100 ns for each. Fails: throws std::bad_alloc.
void link_lines(std::span<std::byte> memory);

/// Follows the cycle for `time`; nanoseconds for each load. The memory must have been linked.
double chase(std::span<const std::byte> memory, std::chrono::nanoseconds time) noexcept;

/// Reads all of `memory`, again and again, until `stop`; how many bytes that were.
std::uint64_t read_until(std::span<const std::byte> memory, const std::atomic<bool>& stop) noexcept;

}  // namespace numasio
