// Commands about keys: options and numbers are checked here, in Redis's order; keys are the shard's affair.
#include "server/readers.hpp"

#include "resp/number.hpp"

#include <limits>
#include <optional>
#include <utility>

namespace kv {
namespace {

using resp::is_word;
using resp::to_integer;

constexpr auto max_time = std::numeric_limits<std::int64_t>::max();
constexpr auto min_time = std::numeric_limits<std::int64_t>::min();

command one_key(const call& c, kv_op op, reply_form form) {
    command out;
    out.to = command::route::one;
    out.form = form;
    out.request.op = op;
    out.request.now = c.now;
    out.request.key = c.args[1];
    return out;
}

/// One key goes the short way; more are dealt out to their workers.
command some_keys(const call& c, kv_op single, kv_op many, reply_form form) {
    if (c.args.size() == 2 && single != many) { return one_key(c, single, form); }
    command out = one_key(c, many, form);
    out.to = command::route::some;
    return out;
}

command everywhere(const call& c, kv_op op, reply_form form) {
    command out;
    out.to = command::route::all;
    out.form = form;
    out.request.op = op;
    out.request.now = c.now;
    return out;
}

command set_pairs(const call& c, unsigned flags, reply_form form) {
    if (c.args.size() % 2 == 0) { return c.error("wrong number of arguments for '" + std::string(c.spec.name) + "' command"); }
    command out = some_keys(c, kv_op::mset, kv_op::mset, form);
    out.step = 2;
    out.request.flags = static_cast<std::uint8_t>(flags);
    return out;
}

command rename(const call& c, unsigned flags, reply_form form) {
    command out = some_keys(c, kv_op::rename, kv_op::rename, form);
    out.request.value = c.args[2];
    out.request.flags = static_cast<std::uint8_t>(flags);
    return out;
}

command change_by(const call& c, std::int64_t amount) {
    command out = one_key(c, kv_op::incr, reply_form::number);
    out.request.number = amount;
    return out;
}

/// The conditions of EXPIRE, as flags; absent after an answer was given.
std::optional<std::uint8_t> expire_conditions(const call& c) {
    unsigned flags = 0;
    for (const auto option : c.args.subspan(3)) {
        if (is_word(option, "nx")) { flags |= if_absent; }
        else if (is_word(option, "xx")) { flags |= if_present; }
        else if (is_word(option, "gt")) { flags |= if_later; }
        else if (is_word(option, "lt")) { flags |= if_sooner; }
        else {
            c.error("Unsupported option " + std::string(resp::up_to_zero(option)));
            return std::nullopt;
        }
    }
    if ((flags & if_absent) != 0 && (flags & (if_present | if_later | if_sooner)) != 0) {
        c.error("NX and XX, GT or LT options at the same time are not compatible");
        return std::nullopt;
    }
    if ((flags & if_later) != 0 && (flags & if_sooner) != 0) {
        c.error("GT and LT options at the same time are not compatible");
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(flags);
}

enum class counted_from { now, unix_epoch };

command expire(const call& c, std::int64_t unit, counted_from begin) {
    const auto conditions = expire_conditions(c);
    if (!conditions) { return {}; }
    const auto given = to_integer(c.args[2]);
    if (!given) { return c.not_an_integer(); }
    if (*given > max_time / unit || *given < min_time / unit) { return c.invalid_expire_time(); }
    const std::int64_t span = *given * unit;
    if (begin == counted_from::now && span > max_time - c.now) { return c.invalid_expire_time(); }
    command out = one_key(c, kv_op::expire, reply_form::number);
    out.request.flags = *conditions;
    out.request.number = begin == counted_from::now ? c.now + span : c.server.clock.from_unix(span);
    return out;
}

/// When SET's new value expires, or GETEX's: what its option says, once it is known to be in range.
struct set_deadline {
    enum class unit { none, ex, px, exat, pxat } given = unit::none;
    std::string_view text;
};

/// The option at args[i] and its number, if it is one of a time: then `i` is at that. A time may be given again in its own unit, as in Redis, but not in another one.
bool takes_time(const call& c, std::size_t& i, set_deadline& asked) {
    using unit = set_deadline::unit;
    static constexpr std::pair<std::string_view, unit> words[] = {
        {"ex", unit::ex}, {"px", unit::px}, {"exat", unit::exat}, {"pxat", unit::pxat}};
    for (const auto& [word, given] : words) {
        if (!is_word(c.args[i], word)) { continue; }
        if (i + 1 == c.args.size() || (asked.given != unit::none && asked.given != given)) { return false; }
        asked = {given, c.args[++i]};
        return true;
    }
    return false;
}

/// ok, not_a_number or invalid_time.
kv_status find_deadline(const call& c, const set_deadline& asked, std::int64_t& deadline) {
    using unit = set_deadline::unit;
    if (asked.given == unit::none) { return kv_status::ok; }
    const auto number = to_integer(asked.text);
    if (!number) { return kv_status::not_a_number; }
    const bool seconds = asked.given == unit::ex || asked.given == unit::exat;
    if (*number <= 0 || (seconds && *number > max_time / 1000)) { return kv_status::invalid_time; }
    const std::int64_t span = seconds ? *number * 1000 : *number;
    if (asked.given == unit::exat || asked.given == unit::pxat) {
        deadline = c.server.clock.from_unix(span);
        return kv_status::ok;
    }
    if (span > max_time - c.now) { return kv_status::invalid_time; }
    deadline = c.now + span;
    return kv_status::ok;
}

/// SET and its like.
command store(const call& c, std::string_view value, unsigned flags, const set_deadline& asked, reply_form form) {
    command out = one_key(c, kv_op::set, form);
    switch (find_deadline(c, asked, out.request.number)) {
        case kv_status::not_a_number: return c.not_an_integer();
        case kv_status::invalid_time: return c.invalid_expire_time();
        default: break;
    }
    out.request.flags = static_cast<std::uint8_t>(flags);
    out.request.value = value;
    return out;
}

}  // namespace

command read_get(call& c) { return one_key(c, kv_op::get, reply_form::value); }
command read_strlen(call& c) { return one_key(c, kv_op::strlen, reply_form::number); }
command read_type(call& c) { return one_key(c, kv_op::exists, reply_form::type); }
command read_ttl(call& c) { return one_key(c, kv_op::ttl, reply_form::seconds); }
command read_pttl(call& c) { return one_key(c, kv_op::ttl, reply_form::number); }
command read_persist(call& c) { return one_key(c, kv_op::persist, reply_form::number); }
command read_incr(call& c) { return change_by(c, 1); }
command read_decr(call& c) { return change_by(c, -1); }
command read_exists(call& c) { return some_keys(c, kv_op::exists, kv_op::mexists, reply_form::number); }
command read_del(call& c) { return some_keys(c, kv_op::del, kv_op::mdel, reply_form::number); }
command read_mget(call& c) { return some_keys(c, kv_op::mget, kv_op::mget, reply_form::values); }
command read_mset(call& c) { return set_pairs(c, 0, reply_form::done); }
command read_msetnx(call& c) { return set_pairs(c, if_absent, reply_form::number); }
command read_rename(call& c) { return rename(c, 0, reply_form::done); }
command read_renamenx(call& c) { return rename(c, if_absent, reply_form::number); }
command read_dbsize(call& c) { return everywhere(c, kv_op::dbsize, reply_form::number); }
command read_expire(call& c) { return expire(c, 1000, counted_from::now); }
command read_pexpire(call& c) { return expire(c, 1, counted_from::now); }
command read_expireat(call& c) { return expire(c, 1000, counted_from::unix_epoch); }
command read_pexpireat(call& c) { return expire(c, 1, counted_from::unix_epoch); }
command read_getdel(call& c) { return one_key(c, kv_op::getdel, reply_form::value); }
command read_getset(call& c) { return store(c, c.args[2], want_old, {}, reply_form::old_value); }
command read_setnx(call& c) { return store(c, c.args[2], if_absent, {}, reply_form::number); }
command read_setex(call& c) { return store(c, c.args[3], 0, {set_deadline::unit::ex, c.args[2]}, reply_form::done); }
command read_psetex(call& c) { return store(c, c.args[3], 0, {set_deadline::unit::px, c.args[2]}, reply_form::done); }

command read_getex(call& c) {
    set_deadline asked;
    bool persists = false;
    for (std::size_t i = 2; i < c.args.size(); ++i) {
        if (is_word(c.args[i], "persist") && asked.given == set_deadline::unit::none) { persists = true; }
        else if (persists || !takes_time(c, i, asked)) { return c.syntax_error(); }
    }
    command out = one_key(c, kv_op::getex, reply_form::value);
    out.request.if_found = find_deadline(c, asked, out.request.number);
    if (persists) { out.request.flags = no_ttl; }
    return out;
}

command read_getrange(call& c) {
    const auto first = to_integer(c.args[2]);
    const auto last = to_integer(c.args[3]);
    if (!first || !last) { return c.not_an_integer(); }
    command out = one_key(c, kv_op::getrange, reply_form::value);
    out.request.number = *first;
    out.request.last = *last;
    return out;
}

command read_setrange(call& c) {
    const auto first = to_integer(c.args[2]);
    if (!first) { return c.not_an_integer(); }
    if (*first < 0) { return c.error("offset is out of range"); }
    command out = one_key(c, kv_op::setrange, reply_form::number);
    out.request.number = *first;
    out.request.value = c.args[3];
    return out;
}

command read_append(call& c) {
    command out = one_key(c, kv_op::append, reply_form::number);
    out.request.value = c.args[2];
    return out;
}

command read_incrby(call& c) {
    const auto amount = to_integer(c.args[2]);
    return amount ? change_by(c, *amount) : c.not_an_integer();
}

command read_decrby(call& c) {
    const auto amount = to_integer(c.args[2]);
    if (!amount) { return c.not_an_integer(); }
    if (*amount == min_time) { return c.error("decrement would overflow"); }
    return change_by(c, -*amount);
}

command read_incrbyfloat(call& c) {
    if (!resp::to_float(c.args[2])) { return c.error("value is not a valid float"); }
    command out = one_key(c, kv_op::incrbyfloat, reply_form::value);
    out.request.value = c.args[2];
    return out;
}

command read_flushall(call& c) {
    const bool known = c.args.size() == 1 ||
                       (c.args.size() == 2 && (is_word(c.args[1], "sync") || is_word(c.args[1], "async")));
    return known ? everywhere(c, kv_op::flushall, reply_form::done) : c.syntax_error();
}

command read_set(call& c) {
    using unit = set_deadline::unit;
    unsigned flags = 0;
    set_deadline asked;
    for (std::size_t i = 3; i < c.args.size(); ++i) {
        const auto option = c.args[i];
        if (is_word(option, "nx") && (flags & if_present) == 0) { flags |= if_absent; }
        else if (is_word(option, "xx") && (flags & if_absent) == 0) { flags |= if_present; }
        else if (is_word(option, "get")) { flags |= want_old; }
        else if (is_word(option, "keepttl") && asked.given == unit::none) { flags |= keep_ttl; }
        else if ((flags & keep_ttl) != 0 || !takes_time(c, i, asked)) { return c.syntax_error(); }
    }
    return store(c, c.args[2], flags, asked, (flags & want_old) != 0 ? reply_form::old_value : reply_form::done);
}

}  // namespace kv
