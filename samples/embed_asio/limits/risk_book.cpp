// The limits, and how an order is held against them.
#include "limits/risk_book.hpp"

#include <algorithm>

namespace limits {
namespace {

constexpr std::int64_t largest_order = 100;
constexpr std::int64_t largest_position = 500;  // long or short

constexpr std::string_view names[] = {"ALFA",   "BRAVO", "CHARLIE", "DELTA",  "ECHO",   "FOXTROT", "GOLF",
                                      "HOTEL",  "INDIA", "JULIETT", "KILO",   "LIMA",   "MIKE",    "NOVEMBER",
                                      "OSCAR",  "PAPA",  "QUEBEC",  "ROMEO",  "SIERRA", "TANGO",   "UNIFORM",
                                      "VICTOR", "WHISKEY", "XRAY",  "YANKEE", "ZULU"};

}  // namespace

std::optional<symbol_name> symbol_name::from(std::string_view text) noexcept {
    symbol_name out;
    const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > out.text_.size() || !std::all_of(text.begin(), text.end(), allowed)) { return {}; }
    std::copy(text.begin(), text.end(), out.text_.begin());
    out.length_ = static_cast<std::uint8_t>(text.size());
    return out;
}

risk_book::risk_book(std::pmr::memory_resource& memory) : instruments_(&memory) {
    std::int64_t reference = 100;
    for (const auto name : names) {
        instruments_.emplace(*symbol_name::from(name), instrument{reference - reference / 10, reference + reference / 10, 0});
        reference += 10;
    }
}

verdict risk_book::operator()(const order& asked) noexcept {
    const auto found = instruments_.find(asked.symbol);
    if (found == instruments_.end()) { return {outcome::unknown_symbol, 0}; }
    auto& [lowest, highest, position] = found->second;
    if (asked.quantity == 0) { return {outcome::accepted, position}; }
    if (asked.price < lowest || asked.price > highest) { return {outcome::price_out_of_band, position}; }
    if (asked.quantity < -largest_order || asked.quantity > largest_order) { return {outcome::quantity_too_large, position}; }
    const auto then = position + asked.quantity;
    if (then < -largest_position || then > largest_position) { return {outcome::position_limit, position}; }
    position = then;
    return {outcome::accepted, position};
}

}  // namespace limits
