// The public functions on a bridge: each takes one snapshot and hands it to the function on values.
#include <control_plane/metrics/banner.hpp>
#include <control_plane/metrics/exposition.hpp>
#include <control_plane/metrics/snapshot.hpp>
#include <control_plane/metrics/status_document.hpp>

#include <numasio/control_server.hpp>

namespace numasio {
namespace detail {

snapshot take_snapshot(const bridge& served) {
    return {served.machine(), served.asked(), served.sites(), served.status()};
}

}  // namespace detail

std::string metrics_text(const bridge& served) { return detail::metrics_text(detail::take_snapshot(served)); }

std::string status_json(const bridge& served) { return detail::status_json(detail::take_snapshot(served)); }

std::string banner(const bridge& served) { return detail::banner(detail::take_snapshot(served)); }

}  // namespace numasio
