// A lane's figures, and the end of the process where an invariant of ours is broken.
#include <numasio/detail/lane_base.hpp>

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
    lane_status s;
    s.capacity = capacity_;
    s.shared = shared;
    s.in_use = producer.load(std::memory_order_relaxed) != nullptr;
    // What ended is read before what was accepted, so that `queued` never comes out negative.
    s.delivered = counters.delivered.get();
    s.failed = counters.failed.get();
    s.ran = counters.ran.get();
    s.cancelled = counters.cancelled.get();
    s.stopped = counters.stopped.load(std::memory_order_relaxed);
    s.accepted = counters.accepted.get();
    s.rejected = counters.rejected.get();
    s.returned = counters.returned.load(std::memory_order_relaxed);
    s.offered = counters.offered.get();
    const auto ended = s.ran + s.cancelled + s.stopped;
    s.queued = s.accepted > ended ? s.accepted - ended : 0;
    return s;
}

}  // namespace numasio::detail
