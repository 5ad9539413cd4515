// A lane's figures, and the end of the process where an invariant of ours is broken.
#include <numasio/detail/lane_base.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace numasio::detail {

void unexpected(const char* what) noexcept {
    std::fprintf(stderr, "numasio: internal error, please report: %s\n", what);
    std::abort();
}

const void* this_thread() noexcept {
    thread_local char here;
    return &here;
}

namespace {
thread_local constinit int serving_scopes = 0;  // a service may invoke another worker
}
serving_scope::serving_scope() noexcept { ++serving_scopes; }
serving_scope::~serving_scope() { --serving_scopes; }
bool serving_scope::on_this_thread() noexcept { return serving_scopes != 0; }

lane_status lane_base::status() const noexcept {
    const auto& n = counters;
    lane_status s;
    s.capacity = capacity_;
    s.shared = shared;
    s.kind = bulk ? request_class::bulk : request_class::latency;
    s.in_use = producer.load(std::memory_order_relaxed) != nullptr;
    // What ended is read before what was accepted, so that `queued` never comes out negative.
    s.delivered = n.delivered.get();
    s.failed = n.failed.get();
    s.ran = n.ran.get();
    s.cancelled = n.cancelled.get();
    s.expired = n.expired.get();
    s.dropped = n.dropped.get();
    s.shed = n.shed.get();
    s.stopped = n.stopped.load(std::memory_order_relaxed);
    s.accepted = n.accepted.get();
    s.rejected = n.rejected.get();
    s.returned = n.returned.load(std::memory_order_relaxed);
    s.withdrawn = n.withdrawn.get();
    s.waiting = n.waiting.load(std::memory_order_relaxed);
    s.offered = n.offered.get();
    const auto ended = s.ran + s.cancelled + s.expired + s.dropped + s.shed + s.stopped;
    s.queued = s.accepted > ended ? s.accepted - ended : 0;
    s.queued_high_water = std::max(s.queued, n.queued_high_water.load(std::memory_order_relaxed));
    return s;
}

}  // namespace numasio::detail
