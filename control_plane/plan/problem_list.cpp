// Collects what is wrong with a plan file, place by place, up to a bound.
#include "control_plane/plan/problem_list.hpp"

#include <algorithm>
#include <tuple>

namespace numasio::detail {

void problem_list::add(text_place at, std::string key, complaint problem) {
    if (full()) {
        ++left_out_;
        return;
    }
    problems_.push_back({mark(at), std::move(key), std::move(problem.what), std::move(problem.expected),
                         std::move(problem.suggestion)});
}

void problem_list::throw_if_any() && {
    if (problems_.empty()) { return; }
    std::sort(problems_.begin(), problems_.end(), [](const plan_problem& a, const plan_problem& b) {
        return std::tie(a.where.line, a.where.column, a.key) < std::tie(b.where.line, b.where.column, b.key);
    });
    if (left_out_ != 0) {
        problems_.push_back({problems_.back().where, "", std::to_string(left_out_) + " more problems are not shown",
                             "a plan without problems", "mend these first"});
    }
    throw plan_error(std::move(problems_));
}

std::string quoted(const std::string& text) {
    constexpr std::size_t longest = 40;
    std::size_t end = std::min(text.size(), longest);
    // Never cut inside a UTF-8 sequence: back to the start of the character.
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) { --end; }
    std::string out = "\"";
    for (const char c : text.substr(0, end)) {
        const auto code = static_cast<unsigned char>(c);
        out += code < 0x20 || code == 0x7F ? '?' : c;
    }
    return out + (end < text.size() ? "…\"" : "\"");
}

}  // namespace numasio::detail
