// Keys that a command has looked at and will write in a later step: whoever else wants to write them stands in line.
#pragma once

#include "shard/key_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kv {

class key_locks;

/// A place in the lines of several keys; destroying it leaves them, whether it had got to the front or not.
class key_claim {
public:
    key_claim(const key_claim&) = delete;
    key_claim& operator=(const key_claim&) = delete;
    ~key_claim();

    /// True where nobody is in its way in any of its lines: until it is destroyed nobody else has a claim on these keys, but
    /// for those who only read, where it only reads.
    bool granted() const noexcept { return missing_ == 0; }

private:
    friend key_locks;
    struct spot {
        std::uint64_t key = 0;
        bool shared = false;
        bool clear = false;  ///< nobody ahead is in its way
        key_claim* of = nullptr;
        spot* ahead = nullptr;
        spot* behind = nullptr;
    };

    explicit key_claim(key_locks& locks) : locks_(locks) {}

    key_locks& locks_;
    std::vector<spot> spots_;
    std::size_t missing_ = 0;  ///< lines in which somebody is in its way
    std::function<void()> on_grant_;
};

/// What one command hands over in one go happens at one moment for everybody: one thread fills all lanes, and each
/// keeps its order. So readers need no lock, and neither does who writes blindly. But RENAME and MSETNX decide by
/// what one step found and write in a later one: between the two, no other writer may touch their keys.
///
/// That is so on the control plane. Where each worker hands over by itself (front: reactor) each has lines of its own, for its
/// keys, and whoever touches keys of several workers claims all of them first, readers as well: see shard_desk.
///
/// A claim takes its place in all its lines in one go, so all lines agree on who was first: nobody waits in a
/// circle, and nobody is overtaken, also no writer by readers who share. Keys are known by a hash: two that share one wait for each other without need.
/// Threads: one. Lifetime: outlives its claims.
class key_locks {
public:
    /// A key by its hash, and whether the claim lets others read it.
    struct wanted {
        std::uint64_t key = 0;
        bool shared = false;
        friend auto operator<=>(const wanted&, const wanted&) = default;
    };

    bool empty() const noexcept { return lines_.empty(); }
    std::uint64_t hash(std::string_view key) const noexcept { return key_hash(key, secret_); }

    /// `on_grant` is called once if the claim has to wait, inside the end of another claim: it must not come back here.
    std::unique_ptr<key_claim> take(std::vector<wanted> keys, std::function<void()> on_grant);
    /// For itself alone.
    std::unique_ptr<key_claim> take(const std::vector<std::uint64_t>& keys, std::function<void()> on_grant);

    /// Heap bytes of a claim.
    static std::size_t cost(std::size_t keys) noexcept {
        constexpr std::size_t node = 48;
        return keys * (sizeof(key_claim::spot) + sizeof(wanted) + node);
    }

private:
    friend key_claim;
    void leave(key_claim& claim) noexcept;
    static bool is_clear(const key_claim::spot& spot) noexcept {
        return spot.ahead == nullptr || (spot.shared && spot.ahead->shared && spot.ahead->clear);
    }

    struct as_it_is {
        std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };
    std::unordered_map<std::uint64_t, key_claim::spot*, as_it_is> lines_;  // the last in each
    hash_secret secret_ = fresh_secret();
};

}  // namespace kv
