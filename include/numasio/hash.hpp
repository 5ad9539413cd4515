// The hash that homes keys to workers. Stated, so that a key's home can be computed elsewhere.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace numasio {

/// MurmurHash3's 64-bit finaliser: a bijection that spreads every input bit over the word.
/// Source: A. Appleby, MurmurHash3, fmix64 (public domain).
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

/// Integers and enumerations: mix64 of the value. Threads: any. Blocks: never. Fails: never.
template <class Key>
    requires std::integral<Key> || std::is_enum_v<Key>
constexpr std::uint64_t hash_key(Key key) noexcept {
    return mix64(static_cast<std::uint64_t>(key));
}

/// Strings: FNV-1a (64 bit), then mix64, because FNV's upper bits are weak for short strings.
/// Source: Fowler, Noll, Vo; offset basis and prime of the 64-bit variant. Cost: linear in the length.
constexpr std::uint64_t hash_key(std::string_view key) noexcept {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const char c : key) { h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; }
    return mix64(h);
}

/// One of `places`, each as often: what stays the same as long as their number does.
constexpr std::uint32_t scale_hash(std::uint64_t hash, std::uint32_t places) noexcept {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint32_t>((wide{hash} * places) >> 64);
}

}  // namespace numasio
