// SipHash-1-3 with a secret key: clients choose keys, and must not be able to choose collisions.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace kv {

struct hash_secret {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
};

inline hash_secret fresh_secret() {
    std::random_device entropy;
    const auto word = [&] { return (std::uint64_t{entropy()} << 32) | entropy(); };
    return {word(), word()};
}

/// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012); one round a word, three at the end.
inline std::uint64_t key_hash(std::string_view key, hash_secret secret) noexcept {
    std::uint64_t v0 = secret.a ^ 0x736f6d6570736575, v1 = secret.b ^ 0x646f72616e646f6d;
    std::uint64_t v2 = secret.a ^ 0x6c7967656e657261, v3 = secret.b ^ 0x7465646279746573;
    const auto round = [&] {
        v0 += v1; v1 = std::rotl(v1, 13); v1 ^= v0; v0 = std::rotl(v0, 32);
        v2 += v3; v3 = std::rotl(v3, 16); v3 ^= v2;
        v0 += v3; v3 = std::rotl(v3, 21); v3 ^= v0;
        v2 += v1; v1 = std::rotl(v1, 17); v1 ^= v2; v2 = std::rotl(v2, 32);
    };
    const auto absorb = [&](std::uint64_t word) { v3 ^= word; round(); v0 ^= word; };
    std::size_t at = 0;
    for (; at + 8 <= key.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, key.data() + at, 8);
        absorb(word);
    }
    std::uint64_t last = static_cast<std::uint64_t>(key.size()) << 56;
    for (std::size_t i = 0; at + i < key.size(); ++i) {
        last |= static_cast<std::uint64_t>(static_cast<unsigned char>(key[at + i])) << (8 * i);
    }
    absorb(last);
    v2 ^= 0xff;
    round(); round(); round();
    return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace kv
