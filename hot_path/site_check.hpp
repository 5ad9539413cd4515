// Whether the sites that a pool is given are its own: a program may have put them together by hand.
#pragma once

#include <numasio/layout.hpp>

#include <string_view>
#include <vector>

namespace numasio::hot_path {

/// Fails: throws std::invalid_argument, which names the pool, what is wrong and what to hand over.
void check_sites(std::string_view pool, const std::vector<worker_site>& sites);

}  // namespace numasio::hot_path
