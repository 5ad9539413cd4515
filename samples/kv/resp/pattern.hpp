// Glob patterns as Redis 7.0 has them: for KEYS, SCAN and CONFIG GET.
#pragma once

#include <string_view>

namespace kv::resp {

/// * ? [a-c] [^a] and \ before a character, with Redis's answers also for patterns that are cut short.
/// Cost: at most pattern × text steps and no recursion, because only the last star can still give way. Never allocates.
bool matches(std::string_view pattern, std::string_view text) noexcept;

/// Redis's own shortcut: it holds for the key without a byte too, which matches() of a star does not.
inline bool matches_all(std::string_view pattern) noexcept { return pattern == "*"; }

}  // namespace kv::resp
