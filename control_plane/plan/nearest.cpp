// The valid word that a mistyped one was probably meant to be.
#include "control_plane/plan/nearest.hpp"

#include <algorithm>
#include <vector>

namespace numasio::detail {
namespace {

constexpr std::size_t longest_word = 64;

char folded(char c) {
    if (c >= 'A' && c <= 'Z') { return static_cast<char>(c - 'A' + 'a'); }
    return c == '-' ? '_' : c;
}

/// Optimal string alignment distance; three rows are enough.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) { last[j] = j; }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1])) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best;
    if (word.size() > longest_word) { return best; }
    std::size_t best_distance = longest_word;
    for (const auto candidate : candidates) {
        const std::size_t d = distance(word, candidate);
        // One slip in four letters is a slip; more is another word.
        if (d < best_distance && d <= 1 + candidate.size() / 4 && d < candidate.size()) {
            best = candidate;
            best_distance = d;
        }
    }
    if (!best.empty() || word.size() < 3) { return best; }
    const auto longer =
        std::find_if(candidates.begin(), candidates.end(), [&](auto c) { return c.starts_with(word); });
    return longer == candidates.end() ? best : *longer;
}

std::string one_of(std::span<const std::string_view> words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0) { out += i + 1 == words.size() ? " or " : ", "; }
        out += words[i];
    }
    return out;
}

std::string did_you_mean(std::string_view word) {
    return word.empty() ? std::string() : "did you mean " + std::string(word) + "?";
}

}  // namespace numasio::detail
