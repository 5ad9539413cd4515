// KEYS and SCAN: which keys there are, as RESP that is sent as it is.
#include "shard/kv_shard.hpp"

#include "resp/pattern.hpp"
#include "resp/reply_text.hpp"

#include <charconv>
#include <limits>

namespace kv {
namespace {

std::size_t bulk_size(std::string_view key) noexcept {
    std::size_t digits = 1;
    for (std::size_t rest = key.size(); rest >= 10; rest /= 10) { ++digits; }
    return 1 + digits + 2 + key.size() + 2;
}

char* put_bulk(char* to, std::string_view key) noexcept {
    *to++ = '$';
    to = std::to_chars(to, to + 20, key.size()).ptr;
    *to++ = '\r';
    *to++ = '\n';
    to += key.copy(to, key.size());
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

bool is_asked_for(const kv_request& request, entry& e) noexcept {
    return resp::matches_all(request.key) || resp::matches(request.key, e.key());
}

}  // namespace

/// All in one request, so that it is one moment for everybody: a key that changes its name is met once.
/// Cost: two looks at each key; room in the worker's memory for the answer, until it is sent.
kv_reply kv_shard::keys(const kv_request& request) noexcept {
    const auto each = [&](auto&& use) {
        for (std::size_t b = 0; b < table_.buckets(); ++b) {
            table_.each_in_bucket(b, [&](entry** link) {
                if (!is_dead(**link) && is_asked_for(request, **link)) { use((*link)->key()); }
                return &(*link)->next;
            });
        }
    };
    kv_reply reply;
    std::size_t size = 0;
    each([&](std::string_view key) {
        ++reply.number;
        size += bulk_size(key);
    });
    if (size == 0) { return reply; }
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max() / 2;  // a value's size has 32 bits
    blob* const text = size <= most ? make_value({}, size) : nullptr;
    if (text == nullptr) { return just(kv_status::out_of_memory); }
    char* to = text->bytes();
    each([&](std::string_view key) { to = put_bulk(to, key); });
    text->size = static_cast<std::uint32_t>(size);
    reply.value = kv_value(*text);
    memory_.drop(text);
    return reply;
}

/// The buckets from page.next on, whole ones, until `request.last` keys were looked at: some 50 µs, if they are as
/// long as they should be. What a bucket holds of hashes before that point has been shown already: see key_table::at().
kv_reply kv_shard::scan(const kv_request& request) noexcept {
    constexpr int most_buckets = 1024;
    auto& page = *static_cast<scan_page*>(request.staged);
    const bool none = (request.flags & no_match) != 0;
    page.size = page.needed = 0;
    page.keys = page.looked_at = 0;
    for (int visited = 0; visited < most_buckets && page.looked_at < request.last; ++visited) {
        const auto [bucket, end] = table_.at(page.next);
        const auto each = [&, number = bucket](auto&& use) {
            table_.each_in_bucket(number, [&](entry** link) {
                if (!is_dead(**link) && reversed((*link)->hash) >= page.next) { use(**link); }
                return &(*link)->next;
            });
        };
        std::size_t size = 0;
        std::int64_t here = 0;
        each([&](entry& e) {
            ++here;
            if (!none && is_asked_for(request, e)) { size += bulk_size(e.key()); }
        });
        if (page.size + size > page.room) {
            page.needed = size;
            return {};
        }
        if (size != 0) {
            each([&](entry& e) {
                if (!is_asked_for(request, e)) { return; }
                page.size = static_cast<std::size_t>(put_bulk(page.text + page.size, e.key()) - page.text);
                ++page.keys;
            });
        }
        page.looked_at += here;
        page.next = end;
        if (end == 0) {
            page.ended = true;
            return {};
        }
    }
    return {};
}

}  // namespace kv
