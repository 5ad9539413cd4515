// Standing in line, and leaving it.
#include "server/key_locks.hpp"

#include <algorithm>
#include <utility>

namespace kv {

key_claim::~key_claim() { locks_.leave(*this); }

std::unique_ptr<key_claim> key_locks::take(std::vector<wanted> keys, std::function<void()> on_grant) {
    std::ranges::sort(keys);  // of a key that is wanted in both ways, the stricter one is first
    keys.erase(std::unique(keys.begin(), keys.end(), [](const wanted& a, const wanted& b) { return a.key == b.key; }), keys.end());
    std::unique_ptr<key_claim> claim(new key_claim(*this));
    claim->spots_.resize(keys.size());  // never again: lines point to them
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto& spot = claim->spots_[i];
        key_claim::spot*& last = lines_[keys[i].key];
        spot = {keys[i].key, keys[i].shared, false, claim.get(), last, nullptr};
        if (last != nullptr) { last->behind = &spot; }
        spot.clear = is_clear(spot);
        if (!spot.clear) { ++claim->missing_; }
        last = &spot;
    }
    if (!claim->granted()) { claim->on_grant_ = std::move(on_grant); }
    return claim;
}

std::unique_ptr<key_claim> key_locks::take(const std::vector<std::uint64_t>& keys, std::function<void()> on_grant) {
    std::vector<wanted> alone;
    alone.reserve(keys.size());
    for (const auto key : keys) { alone.push_back({key, false}); }
    return take(std::move(alone), std::move(on_grant));
}

void key_locks::leave(key_claim& claim) noexcept {
    for (auto& spot : claim.spots_) {
        if (spot.behind != nullptr) { spot.behind->ahead = spot.ahead; }
        else if (spot.ahead != nullptr) { lines_.find(spot.key)->second = spot.ahead; }
        else { lines_.erase(spot.key); }
        if (spot.ahead != nullptr) { spot.ahead->behind = spot.behind; }
        for (auto* next = spot.behind; next != nullptr && !next->clear && is_clear(*next); next = next->behind) {
            next->clear = true;
            if (--next->of->missing_ == 0) { std::exchange(next->of->on_grant_, nullptr)(); }
        }
    }
    // What one large command took must not stay.
    constexpr std::size_t kept_buckets = 1024;
    if (lines_.empty() && lines_.bucket_count() > kept_buckets) { decltype(lines_)().swap(lines_); }
}

}  // namespace kv
