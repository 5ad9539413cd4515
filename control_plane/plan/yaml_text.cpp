// Checks the bytes of a plan before any YAML reader sees them.
#include "control_plane/plan/yaml_text.hpp"

#include <string>


namespace numasio::detail {
namespace {

/// Length of the UTF-8 sequence at the start of `text`; 0 where there is none (RFC 3629: no overlong
/// forms, no surrogates, nothing above U+10FFFF).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) { return 1; }
    if (lead >= 0xC2 && lead <= 0xDF) { return tail(1) ? 2 : 0; }
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool narrow = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F);
        return tail(1) && tail(2) && !narrow ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool narrow = (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
        return tail(1) && tail(2) && tail(3) && !narrow ? 4 : 0;
    }
    return 0;
}

std::string hex(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    return {'0', 'x', digits[code >> 4U], digits[code & 0xFU]};
}

}  // namespace

bool check_text(std::string_view text, problem_list& problems) {
    if (text.size() > largest_plan) {
        problems.add({}, "", {"has more than 1 MiB", "a plan of at most 1 MiB", ""});
        return false;
    }
    text_place at;
    bool indentation = true;
    std::size_t brackets = 0;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const std::size_t length = sequence_length(text.substr(i));
        if (length == 0) {
            // One is enough: after it nothing can be said about the rest.
            problems.add(at, "", {"byte " + hex(c) + " is not UTF-8", "a file in UTF-8", "save the file as UTF-8"});
            return false;
        }
        const bool crlf = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && !crlf) || c == 0x7F;
        if (control) {
            // yaml-cpp takes 0x04 for the end of the file, and guesses UTF-16 from a zero byte.
            problems.add(at, "", {"control character " + hex(c), "text and line breaks (\\n or \\r\\n)", ""});
            return false;
        }
        if (c == '\t' && indentation) {
            problems.add(at, "", {"tab in the indentation", "spaces", "replace the tab by two spaces"});
            return false;
        }
        if ((c == '[' || c == '{') && ++brackets > most_brackets) {
            // yaml-cpp looks ahead over nested brackets and keeps 240 bytes for each.
            problems.add(at, "",
                         {"more than " + std::to_string(most_brackets) + " opening brackets", "a smaller plan", ""});
            return false;
        }
        indentation = c == '\n' || (indentation && c == ' ');
        at = c == '\n' ? text_place{at.line + 1, 1} : text_place{at.line, at.column + static_cast<int>(length)};
        i += length;
    }
    if (!text.empty() && text.back() != '\n') {
        problems.add(at, "",
                     {"the file ends within a line", "a line break at the end: without one a half-written file "
                      "cannot be told from a whole one", "end the last line, or write the file anew"});
    }
    return true;
}

}  // namespace numasio::detail
