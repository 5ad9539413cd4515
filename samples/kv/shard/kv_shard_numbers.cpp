// Values as numbers: INCR and its like, INCRBYFLOAT.
#include "shard/kv_shard.hpp"

#include "resp/number.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace kv {

kv_reply kv_shard::incr(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    const auto old = e != nullptr ? resp::to_integer(e->value->view()) : 0;
    if (!old) { return just(kv_status::not_a_number); }
    std::int64_t sum = 0;
    if (__builtin_add_overflow(*old, request.number, &sum)) { return just(kv_status::overflow); }
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sum).ptr;
    const std::string_view text{digits.data(), end};
    const bool stored = e != nullptr ? replace(*e, text) : add(request.key, text, 0) != nullptr;
    return stored ? count(sum) : just(kv_status::out_of_memory);
}

/// Redis's arithmetic: the widest type of the C library, seventeen digits behind the point, no zeros at the end.
kv_reply kv_shard::incrbyfloat(const kv_request& request) noexcept {
    const auto hash = key_hash(request.key, secret_);
    entry* const e = find(request.key, hash);
    const auto old = e != nullptr ? resp::to_float(e->value->view()) : 0.0L;
    const auto amount = resp::to_float(request.value);
    if (!old || !amount) { return just(kv_status::not_a_float); }
    const long double sum = *old + *amount;
    if (std::isnan(sum) || std::isinf(sum)) { return just(kv_status::not_finite); }
    std::array<char, resp::float_text_bytes> digits;
    auto size = static_cast<std::size_t>(std::snprintf(digits.data(), digits.size(), "%.17Lf", sum));
    while (digits[size - 1] == '0') { --size; }
    if (digits[size - 1] == '.') { --size; }
    std::string_view text{digits.data(), size};
    if (text == "-0") { text = "0"; }
    entry* stored = e;
    if (e != nullptr ? !replace(*e, text) : (stored = add(request.key, text, 0)) == nullptr) {
        return just(kv_status::out_of_memory);
    }
    kv_reply reply;
    reply.value = kv_value(*stored->value);
    return reply;
}

}  // namespace kv
