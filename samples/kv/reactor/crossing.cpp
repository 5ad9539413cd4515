// Places, lists that cross, and the way back.
#include "reactor/crossing.hpp"

#include <numasio/hash.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace kv {

crossing::crossing(std::uint32_t self, std::uint32_t capacity, kv_shard& shard, server_state& state)
    : self_(self), capacity_(capacity), state_(state), desk_(shard, state, *this) {}

void crossing::meet(std::vector<peer> all) {
    peers_ = std::move(all);
    on_their_way_.assign(peers_.size(), 0);
    boxes_.resize(peers_.size());
}

std::uint32_t crossing::home_of(std::string_view key) const noexcept {
    return peers_.size() == 1 ? 0 : numasio::scale_hash(numasio::hash_key(key), workers());
}

call_place crossing::try_reserve(std::uint32_t worker) noexcept {
    if (on_their_way_[worker] == capacity_) { return call_place(numasio::error_code(numasio::errc::lane_full)); }
    return {worker, on_their_way_[worker]};
}

void crossing::call(call_place place, const kv_request& request, reply_address to) {
    shard_call& call = fresh_call();
    call.request = request;
    call.to = std::move(to);
    call.from = self_;
    call.worker = place.worker();
    place.use();
    if (call.worker == self_) { return desk_.accept(call); }
    ++state_.crossed;
    boxes_[call.worker].requests.add(call);
    has_requests_ = true;
    flush_later();
}

shard_call& crossing::fresh_call() {
    if (unused_ == nullptr) { return calls_.emplace_back(); }
    return *std::exchange(unused_, unused_->next);
}

void crossing::served(shard_call& call) {
    boxes_[call.from].replies.add(call);
    flush_later();
}

/// Behind what is ready now: other connections may have something for the same worker.
void crossing::flush_later() {
    if (std::exchange(flushing_, true)) { return; }
    boost::asio::post(peers_[self_].executor, [this] { flush(); });
}

void crossing::flush() {
    flushing_ = false;
    send_requests();
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker) {
        if (boxes_[worker].replies.empty()) { continue; }
        auto* const replies = boxes_[worker].replies.take();
        if (worker == self_) { deliver(replies); }
        else { send(worker, [to = peers_[worker].calls, replies] { to->deliver(replies); }); }
    }
}

void crossing::send_requests() {
    if (!std::exchange(has_requests_, false)) { return; }
    for (std::uint32_t worker = 0; worker < peers_.size(); ++worker) {
        if (boxes_[worker].requests.empty()) { continue; }
        send(worker, [to = peers_[worker].calls, requests = boxes_[worker].requests.take()] { to->arrive(requests); });
    }
}

/// As it is and not by post(): what has its place is never refused, however full the inbox.
template <class Function>
void crossing::send(std::uint32_t worker, Function function) {
    peers_[worker].executor.execute(std::move(function));
}

void crossing::arrive(shard_call* requests) {
    while (requests != nullptr) {
        auto* const next = requests->next;  // before the call is put into another list
        desk_.accept(*requests);
        requests = next;
    }
    flush();
}

void crossing::deliver(shard_call* replies) {
    while (replies != nullptr) {
        shard_call& call = *std::exchange(replies, replies->next);
        const auto to = std::move(call.to);
        auto reply = std::move(call.reply);
        --on_their_way_[call.worker];
        call.next = std::exchange(unused_, &call);
        if (to.to != nullptr) { to({}, std::move(reply)); }
    }
}

}  // namespace kv
