// Finds one command after the other in a stream of bytes, as Redis 7.0 does: RESP arrays and inline text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kv::resp {

/// What a client may ask us to remember. All but `arguments` and `bulk_bytes` are Redis's own figures.
struct parser_limits {
    std::size_t line_bytes = 64 << 10;   ///< an inline command, or a length line, without its line break
    std::int64_t arguments = 1 << 20;    ///< of one command (Redis 7.0: 2^31-1)
    std::int64_t bulk_bytes = 16 << 20;  ///< one argument: our proto-max-bulk-len (Redis: 512 MiB by default)
};

/// Bytes may arrive in pieces of any size: the parser remembers how far it came and never looks twice at
/// an argument. It owns no bytes; arguments are views into what it was shown.
class request_parser {
public:
    enum class outcome { need_more, command, broken };

    explicit request_parser(parser_limits limits = {}) : limits_(limits) {}

    /// `unread` starts where the current command starts; it may have moved since the last call, and grown.
    /// The bytes of inline commands are changed in place (quotes and escapes are resolved).
    ///   command    arguments() is the command (empty for a blank line), consumed() bytes of `unread` are done
    ///   need_more  call again with more bytes behind the same ones; needed() says how many at least
    ///   broken     error() is the text to reply before the connection is closed
    outcome parse(std::span<char> unread);

    /// Views into the `unread` of the call that returned `command`; valid until the next parse().
    const std::vector<std::string_view>& arguments() const noexcept { return arguments_; }
    std::size_t consumed() const noexcept { return scanned_; }
    std::size_t needed() const noexcept { return needed_; }
    const std::string& error() const noexcept { return error_; }
    /// Heap bytes that the current command's arguments take beside their own bytes.
    std::size_t bookkeeping_bytes() const noexcept {
        return found_.capacity() * sizeof(found_[0]) + arguments_.capacity() * sizeof(arguments_[0]);
    }
    /// True in the middle of a command.
    bool midway() const noexcept { return !fresh_; }

private:
    outcome parse_inline(std::span<char> unread);
    outcome parse_array(std::span<char> unread);
    struct length_line {
        std::optional<std::int64_t> number;  ///< none: what the line says is not one
        std::size_t bytes = 0;               ///< with its line break
    };
    outcome read_length(std::span<char> unread, std::string_view too_long, length_line& found);
    bool split_words(char* text, std::size_t size);
    outcome finish(std::span<char> unread);
    outcome fail(std::string_view why);

    parser_limits limits_;
    bool fresh_ = true;           ///< at the start of a command
    bool ended_ = false;          ///< the last call returned a command
    std::size_t scanned_ = 0;     ///< bytes of `unread` that are understood
    std::size_t needed_ = 1;
    std::int64_t missing_ = -1;   ///< arguments of the array still to come; -1: its length is not known yet
    std::int64_t bulk_ = -1;      ///< length of the argument being read; -1: not known yet
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found_;  ///< offset and size in `unread`
    std::vector<std::string_view> arguments_;
    std::string error_;
};

}  // namespace kv::resp
