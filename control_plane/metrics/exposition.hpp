// The Prometheus text (exposition format 0.0.4) of a snapshot.
#pragma once

#include <control_plane/metrics/snapshot.hpp>

#include <string>
#include <string_view>

namespace numasio::detail {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const snapshot& shown);

}  // namespace numasio::detail
