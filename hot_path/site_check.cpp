// The mistakes that would otherwise be two workers of one number, or none.
#include "hot_path/site_check.hpp"

#include <set>
#include <stdexcept>
#include <string>

namespace numasio::hot_path {

void check_sites(std::string_view pool, const std::vector<worker_site>& sites) {
    const auto refuse = [&](const std::string& what) {
        throw std::invalid_argument("pool '" + std::string(pool) + "': " + what + "; make_layout(plan, machine).workers_of(\"" + std::string(pool) + "\") has the right ones");
    };
    if (sites.empty()) { refuse("no site, so no worker"); }
    std::set<std::uint32_t> numbers;
    for (const auto& site : sites) {
        if (site.pool != pool) { refuse("a site of pool '" + site.pool + "'"); }
        if (!numbers.insert(site.index).second) { refuse("two sites of number " + std::to_string(site.index)); }
    }
}

}  // namespace numasio::hot_path
