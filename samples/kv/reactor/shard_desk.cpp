// Claims, lines, and what is not the shard's.
#include "reactor/shard_desk.hpp"

#include "server/command.hpp"

#include <string>
#include <utility>

namespace kv {
namespace {

/// In whose line stands what claims all that the worker has, and beside it, sharing, whatever touches a key of it.
constexpr std::uint64_t everything = 0;

}  // namespace

/// What looks at the shard without promising a moment, or claims nothing of it, is in nobody's way.
bool shard_desk::touches_keys(kv_op op) noexcept {
    switch (op) {
        case kv_op::facts:
        case kv_op::sweep:
        case kv_op::scan:
        case kv_op::let_go:
        case kv_op::locate:
        case kv_op::clients: return false;
        default: return true;
    }
}

std::vector<key_locks::wanted> shard_desk::touched_by(const kv_request& request) const {
    const bool whole = request.claims == claim_kind::whole;
    std::vector<key_locks::wanted> out{{everything, !whole}};
    if (whole) { return out; }
    const bool shared = request.claims == claim_kind::none ? !writes(request.op) : request.claims == claim_kind::read;
    const kv_part& part = request.part;
    for (std::uint32_t i = 0; i < part.count; ++i) { out.push_back({locks_.hash(part.arguments[part.keys[i]]), shared}); }
    if (part.count == 0) { out.push_back({locks_.hash(request.key), shared}); }
    return out;
}

bool shard_desk::is_clear(const kv_request& request) { return locks_.take(touched_by(request), [] {})->granted(); }

void shard_desk::accept(shard_call& call) {
    const kv_request& request = call.request;
    if (request.claim != 0) {
        finish(call);
        if (request.claims == claim_kind::ends) { claims_.erase(request.claim); }
    } else if (request.claims == claim_kind::none && (locks_.empty() || !touches_keys(request.op))) {
        finish(call);
    } else {
        auto line = locks_.take(touched_by(request), [this, &call] { granted_.push_back(&call); });
        if (line->granted()) { go_on(call, std::move(line)); }
        else { waiting_.emplace(&call, std::move(line)); }
    }
    go_on_with_granted();
}

void shard_desk::go_on_with_granted() {
    for (std::size_t i = 0; i < granted_.size(); ++i) {  // more may come meanwhile
        auto own = waiting_.extract(granted_[i]);
        go_on(*own.key(), std::move(own.mapped()));
    }
    granted_.clear();
}

void shard_desk::go_on(shard_call& call, std::unique_ptr<key_claim> line) {
    if (call.request.claims == claim_kind::none) { return finish(call); }
    do { ++last_claim_; } while (last_claim_ == 0 || claims_.contains(last_claim_));
    claims_.emplace(last_claim_, std::move(line));
    finish(call, last_claim_);
}

void shard_desk::finish(shard_call& call, std::uint32_t claim) {
    call.reply = execute(call.request);
    call.reply.claim = claim;
    done_.served(call);
}

kv_reply shard_desk::execute(const kv_request& request) {
    state_.may_expire = state_.may_expire || leaves_something_to_sweep(request);
    if (request.op == kv_op::facts && request.staged != nullptr) {
        *static_cast<front_figures*>(request.staged) = state_.figures();
    } else if (request.op == kv_op::clients) {
        const auto most = state_.limits.reply_bytes / state_.fronts;
        list_clients(state_, {request.part.arguments, request.part.count}, most, *static_cast<std::string*>(request.staged));
    }
    return shard_(request);
}

}  // namespace kv
