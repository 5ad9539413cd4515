// The steps of a command that writes on several workers, and of SCAN.
#include "server/fan_out.hpp"

#include <algorithm>
#include <utility>

namespace kv {

void fan_out::plan_steps(const command& what, const home_of& home) {
    if (what.request.op == kv_op::mset) {
        for (auto& p : parts_) { p.request.op = kv_op::stage; }
        next_ = step::commit;
    } else if (what.request.op == kv_op::rename) {
        source_ = {home(what.request.key), what.request};
        source_.request.op = kv_op::peek;
        target_ = {home(what.request.value), what.request};
        target_.request.op = kv_op::stage_one;
        target_.request.key = what.request.value;
        parts_ = {source_};
        next_ = step::bring;
    }
}

std::vector<std::uint32_t> fan_out::later_workers() const {
    std::vector<std::uint32_t> out;
    if (!unfinished() || next_ == step::look_on) { return out; }  // SCAN may end at any step
    for (std::uint32_t i = to_send().last; i < parts_.size(); ++i) { out.push_back(parts_[i].worker); }
    if (next_ == step::bring) { out.insert(out.end(), {target_.worker, target_.worker}); }  // its value, its commit
    for (const auto& p : parts_) { out.push_back(p.worker); }
    return out;
}

void fan_out::next_step(const moment& current) {
    if (one_by_one_ && ++at_ < parts_.size()) { return; }
    one_by_one_ = false;
    switch (std::exchange(next_, step::none)) {
        case step::none: break;
        case step::commit: commit(); break;
        case step::bring: bring(); break;
        case step::move: move(current); break;
        case step::look_on: look_on(current); break;
        case step::let_go:
            decided_ = true;
            parts_.clear();
            break;
    }
    if (next_ == step::none) { let_go_of_claims(); }
}

/// The parts of the first step, which are in the order of their workers already, claim what they touch before they are served.
void fan_out::claim_first(claim_kind kind) {
    if (next_ == step::bring && target_.worker < source_.worker) {
        part target = target_;
        target.request.op = kv_op::claim;
        parts_.insert(parts_.begin(), target);
    }
    for (auto& p : parts_) { p.request.claims = kind; }
    one_by_one_ = true;
    if (next_ == step::none) { next_ = step::let_go; }
}

/// Each claim ends with its worker's part of the last step; where there is none, with a request for nothing else, for which
/// nobody waits.
void fan_out::let_go_of_claims() {
    for (const auto& held : held_) {
        auto last = std::ranges::find(parts_, held.worker, &part::worker);
        if (last == parts_.end()) {
            part only{held.worker};
            only.request.op = kv_op::let_go;
            only.awaited = false;
            last = parts_.insert(last, only);
        }
        last->request.claims = claim_kind::ends;
        last->request.claim = held.claim;
    }
    held_.clear();
}

/// All of it where every worker could, nothing where one could not.
void fan_out::commit() {
    decided_ = true;
    const bool all = total_.status == kv_status::ok;
    total_.number = all ? 1 : 0;  // MSETNX's
    std::erase_if(parts_, [](const part& p) { return p.staged == nullptr; });
    for (auto& p : parts_) {
        p.request.op = all ? kv_op::commit : kv_op::discard;
        p.request.staged = p.staged;
        p.request.claims = claim_kind::none;
    }
}

void fan_out::bring() {
    if (total_.status != kv_status::ok) {
        decided_ = true;
        return parts_.clear();
    }
    target_.request.value = moved_.view();
    target_.request.number = deadline_;
    const auto held = std::ranges::find(held_, target_.worker, &held_claim::worker);
    if (held != held_.end()) { target_.request.claim = held->claim; }
    else if (claims_) { target_.request.claims = claim_kind::write; }
    parts_ = {target_};
    next_ = step::move;
}

/// No writer has touched the source since it was looked at, but time may have, or a FLUSHALL. Then this RENAME comes
/// after these for everybody, and finds nothing. Its clock is read after every reader's who came before.
void fan_out::move(const moment& current) {
    decided_ = true;
    const bool gone = current.flushes != begun_.flushes || (deadline_ != 0 && deadline_ <= current.now);
    if (total_.status == kv_status::ok && gone) { total_.status = kv_status::no_such_key; }
    const bool all = total_.status == kv_status::ok;
    total_.number = all ? 1 : 0;  // RENAMENX's
    moved_ = {};
    part& target = parts_[0];
    if (target.staged == nullptr) { return parts_.clear(); }
    target.request.claims = claim_kind::none;
    target.request.op = all ? kv_op::commit : kv_op::discard;
    target.request.staged = target.staged;
    source_.request.op = kv_op::del;
    if (all) { parts_.push_back(source_); }
}

// --- SCAN -----------------------------------------------------------------------------------------

namespace {
/// COUNT is a hint: a reply that got so long is enough for one call.
constexpr std::size_t enough_bytes = 64 << 10;
constexpr int unused_bits = 64 - fan_out::point_bits;
}  // namespace

void fan_out::begin_scan(const command& what) {
    const auto cursor = static_cast<std::uint64_t>(what.request.number);
    parts_.push_back({static_cast<std::uint32_t>(worker_of(cursor)), what.request});
    page_.next = cursor << unused_bits;
    wanted_ = what.request.last;
    ask_for_page(page_bytes);
}

void fan_out::ask_for_page(std::size_t room) {
    constexpr std::int64_t most_at_once = 256;  // keys: the worker has others to serve
    found_.resize(found_bytes_ + room);
    page_.text = found_.data() + found_bytes_;
    page_.room = room;
    parts_[0].request.staged = &page_;
    parts_[0].request.last = std::min(wanted_, most_at_once);
    next_ = step::look_on;
}

void fan_out::look_on(const moment& current) {
    found_bytes_ += page_.size;
    total_.number += page_.keys;
    wanted_ -= page_.looked_at;
    page_.size = 0;
    page_.keys = page_.looked_at = 0;
    if (page_.ended) {
        page_.ended = false;
        page_.next = 0;
        if (++parts_[0].worker == workers_) {
            parts_[0].worker = 0;
            stop_here();
            return;
        }
    }
    if (total_.status != kv_status::ok || wanted_ <= 0 || found_bytes_ >= enough_bytes) {
        stop_here();
        return;
    }
    const std::size_t room = std::max(page_bytes, page_.needed);
    if (room > current.room) {
        // What was found can be had; the rest perhaps next time.
        if (found_bytes_ == 0) { total_.status = kv_status::no_room; }
        stop_here();
        return;
    }
    ask_for_page(room);
}

bool fan_out::stop_here() {
    next_ = step::none;
    decided_ = true;
    cursor_ = (std::uint64_t{parts_[0].worker} << point_bits) | (page_.next >> unused_bits);
    found_.resize(found_bytes_);
    found_.shrink_to_fit();
    size_.text += 64 + found_bytes_;
    parts_.clear();
    return cursor_ != 0;
}

}  // namespace kv
