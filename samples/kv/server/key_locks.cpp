// Standing in line, and leaving it.
#include "server/key_locks.hpp"

#include <algorithm>
#include <utility>

namespace kv {

key_claim::~key_claim() { locks_.leave(*this); }

std::unique_ptr<key_claim> key_locks::take(std::vector<std::uint64_t> keys, std::function<void()> on_grant) {
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::unique_ptr<key_claim> claim(new key_claim(*this));
    claim->spots_.resize(keys.size());  // never again: lines point to them
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto& spot = claim->spots_[i];
        key_claim::spot*& last = lines_[keys[i]];
        spot = {keys[i], claim.get(), last, nullptr};
        if (last != nullptr) {
            last->behind = &spot;
            ++claim->missing_;
        }
        last = &spot;
    }
    if (!claim->granted()) { claim->on_grant_ = std::move(on_grant); }
    return claim;
}

void key_locks::leave(key_claim& claim) noexcept {
    for (auto& spot : claim.spots_) {
        if (spot.behind != nullptr) { spot.behind->ahead = spot.ahead; }
        else if (spot.ahead != nullptr) { lines_.find(spot.key)->second = spot.ahead; }
        else { lines_.erase(spot.key); }
        if (spot.ahead != nullptr) { spot.ahead->behind = spot.behind; }
        else if (spot.behind != nullptr && --spot.behind->of->missing_ == 0) {
            std::exchange(spot.behind->of->on_grant_, nullptr)();
        }
    }
    // What one large command took must not stay.
    constexpr std::size_t kept_buckets = 1024;
    if (lines_.empty() && lines_.bucket_count() > kept_buckets) { decltype(lines_)().swap(lines_); }
}

}  // namespace kv
