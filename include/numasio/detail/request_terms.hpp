// What a request carries to the worker besides itself, in a few bytes.
#pragma once

#include <numasio/call_options.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

namespace numasio::detail {

/// Together in a byte: each call copies them.
struct request_flags {
    bool bulk : 1 = false;
    bool lossy : 1 = false;      // may be dropped where the plan has drop_oldest
    bool essential : 1 = false;  // is not shed: what is open at the worker depends on it
    bool has_asker : 1 = false;  // somebody is told how it ends
};

struct request_terms : request_flags {
    std::uint32_t limit = 0;  // 0: none, else whole microseconds from its submission, and one

    request_terms() = default;
    explicit request_terms(const call_options& asked) noexcept
        : request_flags{.bulk = asked.kind == request_class::bulk}, limit(limit_of(asked.start_within)) {}

    request_flags as_asked(bool yes) const noexcept {
        request_flags flags = *this;
        flags.has_asker = yes;
        return flags;
    }
    request_terms as_lossy() const noexcept {
        auto terms = *this;
        terms.lossy = true;
        return terms;
    }

private:
    static std::uint32_t limit_of(std::chrono::nanoseconds within) noexcept {
        const auto us = within.count() < 0 ? 0 : static_cast<std::uint64_t>(within.count()) / 1000;
        return us < std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(us) + 1 : 0;
    }
};

/// A limit as request_terms keeps it: has `waited_ns` reached it?
constexpr bool is_past(std::uint32_t limit, std::int64_t waited_ns) noexcept {
    return limit != 0 && waited_ns >= (std::int64_t{limit} - 1) * 1000;
}

}  // namespace numasio::detail
