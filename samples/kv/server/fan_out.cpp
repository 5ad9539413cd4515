// Dealing out keys, adding up replies, and the RESP of both.
#include "server/fan_out.hpp"

namespace kv {

std::size_t fan_out::cost(const command& what, arguments args, std::uint32_t workers) noexcept {
    const std::size_t keys = what.to == command::route::some ? (args.size() - 1) / what.step : 0;
    const std::size_t value = what.form == reply_form::values ? sizeof(kv_value) : 0;
    const std::size_t lines = workers > 1 && writes(what.request.op) ? key_locks::cost(keys) : 0;
    return args.size() * sizeof(std::string_view) + keys * (3 * sizeof(std::uint32_t) + value) + lines +
           (what.request.op == kv_op::scan ? page_bytes : 0);
}

fan_out::fan_out(const command& what, arguments args, std::uint32_t workers, const home_of& home,
                 const moment& begun, bool claims)
    : claims_(claims), distance_(what.step), begun_(begun), workers_(workers) {
    if (what.request.op == kv_op::scan) {
        begin_scan(what);
        return;
    }
    if (what.to == command::route::all) {
        ask_all(what, args);
        return;
    }
    arguments_.assign(args.begin(), args.end());
    deal(what, workers, home);
    if (parts_.size() == 1) { return; }
    plan_steps(what, home);
    if (claims_) { claim_first(writes(what.request.op) ? claim_kind::write : claim_kind::read); }
}

void fan_out::ask_all(const command& what, arguments args) {
    const kv_op op = what.request.op;
    for (std::uint32_t w = 0; w < workers_; ++w) { parts_.push_back({w, what.request}); }
    if (what.form == reply_form::keys) { values_.resize(workers_); }
    if (op == kv_op::facts) {
        figures_.resize(workers_);
        for (std::uint32_t w = 0; w < workers_; ++w) { parts_[w].request.staged = &figures_[w]; }
    } else if (op == kv_op::clients) {
        arguments_.assign(args.begin(), args.end());
        texts_.resize(workers_);
        for (std::uint32_t w = 0; w < workers_; ++w) {
            parts_[w].request.staged = &texts_[w];
            parts_[w].request.part = {arguments_.data(), nullptr, static_cast<std::uint32_t>(arguments_.size()), nullptr};
        }
    } else if (claims_ && workers_ > 1) {
        claim_first(claim_kind::whole);
    }
}

/// A counting sort of the keys by their worker.
void fan_out::deal(const command& what, std::uint32_t workers, const home_of& home) {
    const std::size_t count = (arguments_.size() - 1) / what.step;
    std::vector<std::uint32_t> homes(count);
    std::vector<std::uint32_t> next(workers + 1);
    for (std::size_t k = 0; k < count; ++k) {
        homes[k] = home(arguments_[1 + k * what.step]);
        ++next[homes[k] + 1];
    }
    for (std::uint32_t w = 0; w < workers; ++w) { next[w + 1] += next[w]; }
    const std::vector<std::uint32_t> first = next;
    keys_.resize(count);
    slots_.resize(count);
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint32_t slot = next[homes[k]]++;
        keys_[slot] = static_cast<std::uint32_t>(1 + k * what.step);
        slots_[k] = slot;
    }
    if (what.form == reply_form::values) { values_.resize(count); }
    for (std::uint32_t w = 0; w < workers; ++w) {
        if (first[w] == first[w + 1]) { continue; }
        part p{w, what.request};
        p.request.part = {arguments_.data(), keys_.data() + first[w], first[w + 1] - first[w],
                          values_.empty() ? nullptr : values_.data() + first[w]};
        parts_.push_back(p);
    }
}

void fan_out::absorb(std::size_t i, kv_reply reply, std::size_t most) noexcept {
    part& from = parts_[i];
    from.answered = true;
    if (reply.claim != 0) { held_.push_back({from.worker, reply.claim}); }
    if (decided_ || from.request.op == kv_op::claim) { return; }
    // A condition that did not hold counts more than a want of memory: Redis would not have got to that.
    if (reply.status != kv_status::ok && total_.status != kv_status::absent) { total_.status = reply.status; }
    if (from.request.op == kv_op::peek) {
        moved_ = std::move(reply.value);
        deadline_ = reply.number;
        return;
    }
    total_.number += reply.number;
    total_.expiring += reply.expiring;
    total_.used += reply.used;
    from.staged = reply.staged;
    if (from.request.op == kv_op::keys) {
        const auto one = reply_stream::size_of_text(reply.value);
        size_.text += one.text;
        size_.held += one.held;
        values_[i] = std::move(reply.value);
        return;
    }
    if (from.request.op == kv_op::clients) {
        size_.text += texts_[i].size();
        too_large_ = too_large_ || size_.text > most;
        return;
    }
    if (too_large_) { return let_go(from); }
    const kv_part& got = from.request.part;
    for (std::uint32_t k = 0; got.values != nullptr && k < got.count; ++k) {
        const auto one = reply_stream::size_of(got.values[k]);
        size_.text += one.text;
        size_.held += one.held;
    }
    if (reply_stream::cost(size_) <= most) { return; }
    too_large_ = true;
    for (auto& p : parts_) {
        if (p.answered) { let_go(p); }  // the others' slots still belong to their workers
    }
}

void fan_out::let_go(part& of) noexcept {
    const kv_part& got = of.request.part;
    for (std::uint32_t k = 0; got.values != nullptr && k < got.count; ++k) { got.values[k] = {}; }
}

void fan_out::append_values(reply_stream& out) {
    resp::append_array(out.text(), slots_.size());
    for (const auto slot : slots_) { out.append(std::move(values_[slot])); }
}

void fan_out::append_keys(reply_stream& out) {
    resp::append_array(out.text(), static_cast<std::size_t>(total_.number));
    for (auto& written : values_) { out.append_text(std::move(written)); }
}

void fan_out::append_scan(reply_stream& out) {
    resp::append_array(out.text(), 2);
    resp::append_bulk(out.text(), std::to_string(cursor_));
    resp::append_array(out.text(), static_cast<std::size_t>(total_.number));
    out.text().append(found_);
}

void fan_out::append_clients(reply_stream& out) const {
    std::string all;
    for (const auto& text : texts_) { all += text; }
    resp::append_bulk(out.text(), all);
}

front_figures fan_out::figures() const noexcept {
    front_figures sum;
    for (const auto& one : figures_) { sum += one; }
    return sum;
}

reply_size size_of_reply(const kv_reply& reply, const fan_out* many) noexcept {
    if (many != nullptr) { return many->size(); }
    const auto value = reply_stream::size_of(reply.value);
    return {128 + value.text, value.held};  // 128: the longest error or line of text
}

void append_reply(reply_form form, kv_reply& reply, fan_out* many, reply_stream& out) {
    std::string& text = out.text();
    const kv_status status = many != nullptr ? many->total().status : reply.status;
    const std::int64_t number = many != nullptr ? many->total().number : reply.number;
    switch (status) {
        case kv_status::ok:
        case kv_status::absent: break;
        case kv_status::not_a_number:
            return resp::append_error(text, "value is not an integer or out of range");
        case kv_status::not_a_float: return resp::append_error(text, "value is not a valid float");
        case kv_status::not_finite: return resp::append_error(text, "increment would produce NaN or Infinity");
        case kv_status::invalid_time: return resp::append_error(text, "invalid expire time in 'getex' command");
        case kv_status::overflow: return resp::append_error(text, "increment or decrement would overflow");
        case kv_status::too_long:
            return resp::append_error(text, "string exceeds maximum allowed size (proto-max-bulk-len)");
        case kv_status::no_such_key: return resp::append_error(text, "no such key");
        case kv_status::no_room: return resp::append_error(text, "-BUSY query memory is in use, try again");
        case kv_status::lost: return;  // the session knows why
        case kv_status::out_of_memory:
            return resp::append_error(text, "-OOM command not allowed when used memory > 'maxmemory'.");
    }
    switch (form) {
        case reply_form::done:
            return status == kv_status::absent ? resp::append_null(text) : resp::append_simple(text, "OK");
        case reply_form::value:
        case reply_form::old_value: return out.append(std::move(reply.value));
        case reply_form::number: return resp::append_integer(text, number);
        case reply_form::type: return resp::append_simple(text, number != 0 ? "string" : "none");
        case reply_form::seconds:
            return resp::append_integer(text, number < 0 ? number : (number + 500) / 1000);
        case reply_form::values: return many->append_values(out);
        case reply_form::keys: return many->append_keys(out);
        case reply_form::scan: return many->append_scan(out);
        case reply_form::clients: return many->append_clients(out);
        case reply_form::info: return;  // the server's own text: see session
    }
}

}  // namespace kv
