// What each path answers. All of them read only.
#pragma once

#include <control_plane/http/http_message.hpp>
#include <control_plane/metrics/snapshot.hpp>

namespace numasio::detail {

/// Takes at most one snapshot. What the source throws becomes a 500.
http_reply answer(const http_request& request, const snapshot_source& source);

}  // namespace numasio::detail
