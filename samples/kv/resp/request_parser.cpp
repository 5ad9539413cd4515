// The states of the parser follow Redis's networking.c rule by rule; its replies are the reference.
#include "resp/request_parser.hpp"

#include "resp/number.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace kv::resp {
namespace {

/// Redis looks for line ends with strchr(), so a zero byte hides whatever follows it.
const char* find_before_zero(const char* from, const char* to, char wanted) noexcept {
    const auto size = static_cast<std::size_t>(to - from);
    const auto* hit = static_cast<const char*>(std::memchr(from, wanted, size));
    if (hit == nullptr) { return nullptr; }
    return std::memchr(from, '\0', static_cast<std::size_t>(hit - from)) == nullptr ? hit : nullptr;
}

/// "$12\r\n" as nearly all such lines are, in one look; none where it needs a closer one.
std::optional<std::int64_t> short_length(std::string_view text, std::size_t& bytes) noexcept {
    constexpr std::size_t most_digits = 9;
    std::size_t at = 1;
    std::int64_t number = 0;
    for (; at < text.size() && at <= most_digits && text[at] >= '0' && text[at] <= '9'; ++at) { number = number * 10 + (text[at] - '0'); }
    const bool leading_zero = at > 2 && text[1] == '0';
    if (at == 1 || leading_zero || text.size() < at + 2 || text[at] != '\r') { return std::nullopt; }
    bytes = at + 2;
    return number;
}

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') { return c - '0'; }
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char unescape(char c) noexcept {
    switch (c) {
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'b': return '\b';
        case 'a': return '\a';
        default: return c;
    }
}

}  // namespace

auto request_parser::parse(std::span<char> unread) -> outcome {
    if (ended_) {
        ended_ = false;
        fresh_ = true;
        scanned_ = 0;
        arguments_.clear();
        found_.clear();
        // One huge command must not pin its bookkeeping for the life of the connection.
        if (found_.capacity() > 1024) {
            found_.shrink_to_fit();
            arguments_.shrink_to_fit();
        }
    }
    if (unread.empty()) {
        needed_ = 1;
        return outcome::need_more;
    }
    const bool array = unread[0] == '*';
    if (fresh_) {
        fresh_ = false;
        missing_ = -1;
        bulk_ = -1;
    }
    return array ? parse_array(unread) : parse_inline(unread);
}

auto request_parser::fail(std::string_view why) -> outcome {
    error_ = "Protocol error: ";
    error_ += why;
    return outcome::broken;
}

auto request_parser::finish(std::span<char> unread) -> outcome {
    arguments_.reserve(found_.size());
    for (const auto& [offset, size] : found_) { arguments_.emplace_back(unread.data() + offset, size); }
    ended_ = true;
    return outcome::command;
}

auto request_parser::parse_inline(std::span<char> unread) -> outcome {
    const char* begin = unread.data();
    const char* newline = find_before_zero(begin, begin + unread.size(), '\n');
    if (newline == nullptr) {
        needed_ = unread.size() + 1;
        return unread.size() > limits_.line_bytes ? fail("too big inline request") : outcome::need_more;
    }
    auto size = static_cast<std::size_t>(newline - begin);
    scanned_ = size + 1;
    if (size > 0 && begin[size - 1] == '\r') { --size; }
    if (!split_words(unread.data(), size)) { return fail("unbalanced quotes in request"); }
    return finish(unread);
}

/// Splits a line as a shell would: "double quotes" with escapes, 'single quotes' with \' alone. Words only
/// get shorter by that, so they are written over the line itself.
bool request_parser::split_words(char* text, std::size_t size) {
    const auto at = [&](std::size_t i) { return i < size ? text[i] : '\0'; };
    std::size_t in = 0;
    std::size_t out = 0;
    for (;;) {
        while (in < size && is_space(text[in])) { ++in; }
        if (in >= size) { return true; }
        const std::size_t start = out;
        char quote = '\0';
        for (bool done = false; !done;) {
            const char c = at(in);
            if (quote != '\0') {
                if (in >= size) { return false; }
                if (quote == '"' && c == '\\' && at(in + 1) == 'x' && hex_digit(at(in + 2)) >= 0 &&
                    hex_digit(at(in + 3)) >= 0) {
                    text[out++] = static_cast<char>(hex_digit(at(in + 2)) * 16 + hex_digit(at(in + 3)));
                    in += 3;
                } else if (quote == '"' && c == '\\' && in + 1 < size) {
                    text[out++] = unescape(text[++in]);
                } else if (quote == '\'' && c == '\\' && at(in + 1) == '\'') {
                    text[out++] = text[++in];
                } else if (c == quote) {
                    if (in + 1 < size && !is_space(text[in + 1])) { return false; }
                    done = true;
                } else {
                    text[out++] = c;
                }
            } else if (in >= size || c == ' ' || c == '\n' || c == '\r' || c == '\t') {
                done = true;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else {
                text[out++] = c;
            }
            if (in < size) { ++in; }
        }
        found_.emplace_back(static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(out - start));
    }
}

/// Reads "*12\r\n" or "$12\r\n" at scanned_: its number, where that is one, and its bytes.
auto request_parser::read_length(std::span<char> unread, std::string_view too_long, length_line& found) -> outcome {
    found.number = short_length({unread.data() + scanned_, unread.size() - scanned_}, found.bytes);
    if (found.number) { return outcome::command; }
    const char* from = unread.data() + scanned_;
    const char* to = unread.data() + unread.size();
    const char* end = from == to ? nullptr : find_before_zero(from, to, '\r');
    if (end == nullptr) {
        needed_ = unread.size() + 1;
        return static_cast<std::size_t>(to - from) > limits_.line_bytes ? fail(too_long) : outcome::need_more;
    }
    if (to - end < 2) {  // the \n is still on its way; like Redis we do not look whether it is one
        needed_ = unread.size() + 1;
        return outcome::need_more;
    }
    const std::string_view line{from, end};
    found = {line.empty() ? std::nullopt : to_integer(line.substr(1)), line.size() + 2};
    return outcome::command;
}

auto request_parser::parse_array(std::span<char> unread) -> outcome {
    length_line line;
    if (missing_ < 0) {
        const auto got = read_length(unread, "too big mbulk count string", line);
        if (got != outcome::command) { return got; }
        if (!line.number || *line.number > limits_.arguments) { return fail("invalid multibulk length"); }
        scanned_ += line.bytes;
        missing_ = std::max<std::int64_t>(*line.number, 0);
    }
    while (missing_ > 0) {
        if (bulk_ < 0) {
            const auto got = read_length(unread, "too big bulk count string", line);
            if (got != outcome::command) { return got; }
            const char mark = unread[scanned_];
            if (mark != '$') {
                const auto result = fail("expected '$', got '");
                error_ += mark;
                error_ += '\'';
                return result;
            }
            if (!line.number || *line.number < 0 || *line.number > limits_.bulk_bytes) { return fail("invalid bulk length"); }
            scanned_ += line.bytes;
            bulk_ = *line.number;
        }
        const auto size = static_cast<std::size_t>(bulk_);
        if (unread.size() - scanned_ < size + 2) {
            needed_ = scanned_ + size + 2;
            return outcome::need_more;
        }
        found_.emplace_back(static_cast<std::uint32_t>(scanned_), static_cast<std::uint32_t>(size));
        scanned_ += size + 2;
        bulk_ = -1;
        --missing_;
    }
    return finish(unread);
}

}  // namespace kv::resp
