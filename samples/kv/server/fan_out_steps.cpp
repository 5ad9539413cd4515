// The steps of a command that writes on several workers.
#include "server/fan_out.hpp"

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
    if (next_ == step::none) { return out; }
    if (next_ == step::bring) { out = {target_.worker, target_.worker}; }  // its value, its commit
    for (const auto& p : parts_) { out.push_back(p.worker); }
    return out;
}

void fan_out::next_step(const moment& current) {
    switch (std::exchange(next_, step::none)) {
        case step::none: break;
        case step::commit: commit(); break;
        case step::bring: bring(); break;
        case step::move: move(current); break;
    }
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
    }
}

void fan_out::bring() {
    if (total_.status != kv_status::ok) {
        decided_ = true;
        return parts_.clear();
    }
    target_.request.value = moved_.view();
    target_.request.number = deadline_;
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
    target.request.op = all ? kv_op::commit : kv_op::discard;
    target.request.staged = target.staged;
    source_.request.op = kv_op::del;
    if (all) { parts_.push_back(source_); }
}

}  // namespace kv
