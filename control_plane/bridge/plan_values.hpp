// Every value of a plan with its key, and what is wrong with it on any machine.
#pragma once

#include <numasio/plan.hpp>

#include <string>
#include <vector>

namespace numasio::detail {

struct plan_entry {
    std::string key;         ///< path, as "pools.kv.lane.capacity"
    std::string text;        ///< the value as a plan would say it; empty for a section
    std::string what;        ///< what is wrong with it; empty where it is fine
    std::string expected;
    std::string suggestion;
};

/// In the order of the format's documentation. Pools and listeners beyond the largest number are left out, after
/// an entry that says so. Key by key as strict as the YAML reader.
std::vector<plan_entry> entries_of(const plan& asked);

/// Writes into each mark what its key's value is now, so that a later change of the value can be seen.
void remember_values(plan& loaded);

}  // namespace numasio::detail
