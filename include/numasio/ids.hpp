// Strong types for the numbers that must not be mixed up: nodes, CPUs, bytes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace numasio {

/// The kernel's number of a NUMA node. Sparse: never an index into anything.
struct node_id {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(node_id, node_id) noexcept = default;
};

/// The kernel's number of a logical CPU. Sparse: never an index into anything.
struct cpu_id {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(cpu_id, cpu_id) noexcept = default;
};

/// An amount of memory. Unit: bytes.
struct bytes {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(bytes, bytes) noexcept = default;
    friend constexpr bytes operator+(bytes a, bytes b) noexcept { return {a.value + b.value}; }
};

namespace literals {
constexpr bytes operator""_KiB(unsigned long long n) noexcept { return {n << 10}; }
constexpr bytes operator""_MiB(unsigned long long n) noexcept { return {n << 20}; }
constexpr bytes operator""_GiB(unsigned long long n) noexcept { return {n << 30}; }
}  // namespace literals

}  // namespace numasio

template <>
struct std::hash<numasio::node_id> {
    std::size_t operator()(numasio::node_id id) const noexcept { return id.value; }
};
template <>
struct std::hash<numasio::cpu_id> {
    std::size_t operator()(numasio::cpu_id id) const noexcept { return id.value; }
};
