// The table of paths.
#include <control_plane/http/routes.hpp>

#include <control_plane/http/host_check.hpp>
#include <control_plane/metrics/exposition.hpp>
#include <control_plane/metrics/health.hpp>
#include <control_plane/metrics/status_document.hpp>

#include <algorithm>
#include <exception>
#include <iterator>

namespace numasio::detail {
namespace {

http_reply list(const snapshot_source&);

http_reply metrics(const snapshot_source& source) {
    return {200, metrics_content_type, metrics_text(source()), {}, false};
}

http_reply status(const snapshot_source& source) { return {200, "application/json", status_json(source()), {}, false}; }

http_reply from(const verdict& v) {
    http_reply reply;
    reply.status = v.ok ? 200 : 503;
    reply.body = (v.ok ? "ok" : v.reason) + "\n";
    return reply;
}

http_reply health(const snapshot_source& source) { return from(healthy(source().now)); }
http_reply readiness(const snapshot_source& source) { return from(ready(source().now)); }

struct route {
    std::string_view path;
    std::string_view job;
    http_reply (*reply)(const snapshot_source&);
};

constexpr route routes[]{
    {"/", "this list", list},
    {"/metrics", "Prometheus text", metrics},
    {"/healthz", "200 while no worker is stuck or dead", health},
    {"/readyz", "200 between start and announced drain or stop", readiness},
    {"/status", "topology, plan, placements, workers, latency (JSON)", status},
};

http_reply list(const snapshot_source&) {
    http_reply reply;
    for (const auto& one : routes) {
        reply.body += std::string(one.path) + std::string(12 - one.path.size(), ' ') + std::string(one.job) + "\n";
    }
    return reply;
}

}  // namespace

http_reply answer(const http_request& request, const snapshot_source& source) {
    const bool head = request.method == "HEAD";
    http_reply reply;
    const auto* found = std::find_if(std::begin(routes), std::end(routes),
                                     [&](const route& one) { return one.path == request.path; });
    if (!host_allowed(request.host)) {
        // Before anything else: a foreign page must not even learn which paths there are.
        reply = refusal(403, "this Host is not the loopback; use localhost, 127.0.0.1 or [::1]");
    } else if (found == std::end(routes)) {
        reply = refusal(404, "GET / lists what there is");
    } else if (!head && request.method != "GET") {
        reply = refusal(405, "this server only reads");
        reply.allow = "GET, HEAD";
    } else {
        try {
            reply = found->reply(source);
        } catch (const std::exception& error) {
            reply = refusal(500, error.what());
        }
    }
    reply.head = head;
    return reply;
}

}  // namespace numasio::detail
