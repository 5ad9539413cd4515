// Writes RESP2 replies as text: one function for each kind of reply.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace kv::resp {

inline void append_number(std::string& out, char kind, std::int64_t number) {
    std::array<char, 24> line;
    line[0] = kind;
    auto* end = std::to_chars(line.data() + 1, line.data() + line.size() - 2, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out.append(line.data(), end);
}

inline void append_integer(std::string& out, std::int64_t number) { append_number(out, ':', number); }
inline void append_array(std::string& out, std::size_t elements) {
    append_number(out, '*', static_cast<std::int64_t>(elements));
}
inline void append_null(std::string& out) { out.append("$-1\r\n"); }
inline void append_simple(std::string& out, std::string_view text) {
    out.push_back('+');
    out.append(text).append("\r\n");
}
inline void append_bulk(std::string& out, std::string_view text) {
    append_number(out, '$', static_cast<std::int64_t>(text.size()));
    out.append(text).append("\r\n");
}

/// An error reply. Its text starts with a code ("-BUSY …") or gets "-ERR ". A client's own bytes may be
/// part of the text, so line breaks at the end are cut and others become spaces: nobody can forge a reply.
inline void append_error(std::string& out, std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) { text.remove_suffix(1); }
    if (!text.starts_with('-')) { out.append("-ERR "); }
    for (const char c : text) { out.push_back(c == '\r' || c == '\n' ? ' ' : c); }
    out.append("\r\n");
}

}  // namespace kv::resp
