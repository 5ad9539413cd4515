// Matching from left to right; where it fails, the last star takes one character more.
#include "resp/pattern.hpp"

#include <utility>

namespace kv::resp {
namespace {

/// The pattern's next part, which stands for exactly one character of the text: does it for `c`? Removes it.
bool takes_one(std::string_view& pattern, char c) noexcept {
    const char first = pattern.front();
    pattern.remove_prefix(1);
    if (first == '?') { return true; }
    if (first != '[') {
        if (first != '\\' || pattern.empty()) { return first == c; }
        const char meant = pattern.front();
        pattern.remove_prefix(1);
        return meant == c;
    }
    const bool negated = pattern.starts_with('^');
    if (negated) { pattern.remove_prefix(1); }
    bool hit = false;
    // A set that nobody closes ends with the pattern.
    while (!pattern.empty() && pattern.front() != ']') {
        if (pattern.size() >= 2 && pattern.front() == '\\') {
            hit = hit || pattern[1] == c;
            pattern.remove_prefix(2);
        } else if (pattern.size() >= 3 && pattern[1] == '-') {
            auto low = pattern[0], high = pattern[2];
            if (low > high) { std::swap(low, high); }
            hit = hit || (c >= low && c <= high);
            pattern.remove_prefix(3);
        } else {
            hit = hit || pattern.front() == c;
            pattern.remove_prefix(1);
        }
    }
    if (!pattern.empty()) { pattern.remove_prefix(1); }
    return hit != negated;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) noexcept {
    constexpr int most_stars = 1000;  // Redis's: what has more matches nothing
    std::string_view behind_star, given;  // the pattern behind the last star, and the text that it was tried on
    int stars = 0;
    while (!text.empty()) {
        if (pattern.starts_with('*')) {
            while (pattern.starts_with('*')) { pattern.remove_prefix(1); }
            if (pattern.empty()) { return true; }
            if (++stars > most_stars) { return false; }
            behind_star = pattern;
            given = text;
            continue;
        }
        if (!pattern.empty() && takes_one(pattern, text.front())) {
            text.remove_prefix(1);
            if (!text.empty()) { continue; }
            while (pattern.starts_with('*')) { pattern.remove_prefix(1); }
            if (pattern.empty()) { return true; }
        }
        if (stars == 0 || given.size() <= 1) { return false; }
        given.remove_prefix(1);
        pattern = behind_star;
        text = given;
    }
    return pattern.empty();
}

}  // namespace kv::resp
