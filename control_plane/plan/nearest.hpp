// The valid word that a mistyped one was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace numasio::detail {

/// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours; letter case
/// and '-' for '_' are free), or else one that begins with the word; empty where none is worth proposing.
/// Cost: bounded, because words longer than 64 bytes are near nothing.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b or c"
std::string one_of(std::span<const std::string_view> words);

/// "did you mean WORD?", or nothing for no word.
std::string did_you_mean(std::string_view word);

}  // namespace numasio::detail
