// Which keys of a pool say something to it: that depends on what it runs.
#include "control_plane/bridge/pool_keys.hpp"

#include <algorithm>
#include <array>

namespace numasio::detail {
namespace {

constexpr std::array services = {run_mode::service};
constexpr std::array tasks = {run_mode::tasks};
constexpr std::array executors = {run_mode::tasks, run_mode::reactor};

constexpr pool_key keys[] = {
    {"memory", services},
    {"lane", services},
    {"front", services},
    {"slo", services},
    {"tasks", executors},
    {"tasks.order", tasks},
    {"tasks.steal", tasks},
    {"tasks.backlog", tasks},
    {"tasks.budget", tasks},
    {"tasks.bulk_weight", tasks},
};

}  // namespace

bool pool_key::is_for(run_mode run) const noexcept { return std::find(runs.begin(), runs.end(), run) != runs.end(); }

std::string pool_key::wanted() const {
    std::string out;
    for (const auto run : runs) { out += (out.empty() ? "run: " : " or run: ") + std::string(to_string(run)); }
    return out;
}

std::span<const pool_key> pool_keys() noexcept { return keys; }

const pool_key* deciding_key(std::string_view name) noexcept {
    const pool_key* found = nullptr;
    for (const auto& key : keys) {
        const bool within = name == key.name || (name.starts_with(key.name) && name[key.name.size()] == '.');
        if (within) { found = &key; }  // children come behind their parents
    }
    return found;
}

}  // namespace numasio::detail
