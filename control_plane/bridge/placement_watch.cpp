// Looks, sleeps, looks again, until the bridge stops.
#include "control_plane/bridge/placement_watch.hpp"

#include "src/platform/signal_mask.hpp"
#include "src/stall_news.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>
#include <numasio/errc.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace numasio::detail {

placement_watch::placement_watch(std::vector<cpu_id> cpus, look look_at)
    : cpus_(std::move(cpus)), look_(std::move(look_at)), generation_(fork_generation()) {
    try {
        const platform::without_signals quiet;
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& e) {
        throw boost::system::system_error(errc::thread_refused, std::string("the thread that watches the placements (") +
                                                                    e.what() + "); raise the limit on threads (ulimit -u, pids.max)");
    }
}

placement_watch::~placement_watch() {
    if (fork_generation() != generation_) {
        thread_.detach();
        return;
    }
    ended_.store(1, std::memory_order_relaxed);
    stall_news::tell();  // what it sleeps on
    thread_.join();
}

void placement_watch::run() noexcept {
    name_this_thread("numasio/watch");
    static_cast<void>(pin_this_thread(cpus_));
    for (;;) {
        const auto seen = stall_news::seen();  // before the look, and before it is asked whether this ends
        if (ended_.load(std::memory_order_relaxed) != 0) { return; }
        const auto next = look_(ended_);
        futex_wait_for(stall_news::word, seen, std::min<std::chrono::nanoseconds>(next, period));
    }
}

}  // namespace numasio::detail
