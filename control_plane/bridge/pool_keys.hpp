// Which keys of a pool say something to it: that depends on what it runs.
#pragma once

#include <numasio/plan.hpp>

#include <span>
#include <string>
#include <string_view>

namespace numasio::detail {

/// A key that is not for every pool.
struct pool_key {
    std::string_view name;           ///< below the pool, as "tasks.order"
    std::span<const run_mode> runs;  ///< it says something to pools that run one of these

    bool is_for(run_mode run) const noexcept;
    /// "run: tasks or run: reactor".
    std::string wanted() const;
};

/// Parents before children. What neither stands here nor is below one of these is for every pool.
std::span<const pool_key> pool_keys() noexcept;

/// The key that decides about `name`: itself, or its nearest parent of those above. Null: it is for every pool.
const pool_key* deciding_key(std::string_view name) noexcept;

}  // namespace numasio::detail
