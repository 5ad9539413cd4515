// The texts of numasio's errors.
#include <numasio/errc.hpp>

#include <string>

namespace numasio {
namespace {

// Boost's category has no virtual destructor; nobody destroys a category through its base.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category_impl final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "numasio"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::lane_full: return "the lane to the worker is full; try later";
            case errc::no_lane: return "the calling thread is ending, or has no memory left to hold a lane";
            case errc::not_started: return "the bridge, or the sharded object, has not been started";
            case errc::stopped: return "the bridge, pool or sharded object has been stopped";
            case errc::service_failed: return "the service threw an exception (the worker's status keeps the text of its first)";
            case errc::forked: return "this process is a fork of the one that started the bridge or pool";
            case errc::not_this_machine: return "the topology is not this machine's; it can be planned, not started";
            case errc::pin_refused: return "the kernel did not pin the thread as asked";
            case errc::bind_refused: return "the kernel refused the memory policy";
            case errc::pages_elsewhere: return "pages were found on another node than asked for";
            case errc::out_of_node_memory: return "the node, or the container of this process, has too little free memory";
            case errc::unknown_pool: return "the plan has no pool of that name";
            case errc::already_started: return "only allowed before the bridge, or the sharded object, is started";
            case errc::pool_not_served: return "the plan names a pool for which no service was opened";
            case errc::thread_refused: return "the system could not create a worker thread";
            case errc::no_worker: return "no such worker or shard: there is none of that number, on that node, or on this thread";
            case errc::pages_unknown: return "the kernel did not say where all pages are";
            case errc::already_open: return "a service was opened for this pool before; keep the port that open() gave";
            case errc::no_huge_pages: return "too few huge pages are free on the nodes asked for";
            case errc::policy_unknown: return "this kernel does not know the memory policy";
            case errc::no_place: return "the reservation was used or moved from, or is another pool's";
            case errc::realtime_refused:
                return "the kernel refused real-time priority; raise RLIMIT_RTPRIO (ulimit -r, LimitRTPRIO=) or grant CAP_SYS_NICE";
            case errc::not_driven: return "the pool's workers have threads of their own (idle: caller_drives would leave them to the caller)";
            case errc::may_not_block:
                return "this thread delivers the replies, serves the requests or runs the tasks, so it must not wait for them; use the call's async_ form where there is one";
            case errc::dropped: return "the request was dropped: too many newer ones were queued behind it";
            case errc::shed: return "the request was shed: its worker does not keep up with what it is asked";
            case errc::no_bulk: return "the pool has no lanes of class bulk (lane: {bulk: 256} in the plan would give it some)";
            case errc::request_lost: return "moving the request into its place threw an exception";
            case errc::outcome_unknown: return "the bridge was destroyed while the service was still at the request, which may take effect yet";
            case errc::credit_too_large: return "the stream's credit is more than the lane has places (lane: {capacity: …} in the plan)";
            case errc::pool_full: return "every place for new tasks from outside is taken; try later";
            case errc::wrong_run: return "the plan has the pool run something else (run: service, tasks or reactor)";
            case errc::not_the_owner: return "the object belongs to the threads of another executor, or is being copied";
            case errc::wrong_topology: return "the topology source could not be read";
        }
        return "unknown numasio error";
    }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& category() noexcept {
    static const category_impl instance;
    return instance;
}

}  // namespace numasio
