// Pins control threads, looks after them, forgets them when they end.
#include "control_plane/bridge/control_threads.hpp"

#include "src/place_text.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace numasio::detail {
namespace {

/// Tells the bridges that this thread ends.
class farewell {
public:
    ~farewell() {
        for (const auto& bridge : bridges_) {
            if (const auto threads = bridge.lock()) { threads->forget(std::this_thread::get_id()); }
        }
    }
    void add(std::weak_ptr<control_threads> bridge) {
        std::erase_if(bridges_, [](const auto& old) { return old.expired(); });
        bridges_.push_back(std::move(bridge));
    }

private:
    std::vector<std::weak_ptr<control_threads>> bridges_;
};

farewell& this_thread_farewell() {
    thread_local farewell goodbye;
    return goodbye;
}

}  // namespace

void control_threads::pin_caller(bool strict) {
    placement p;
    p.subject = placement_subject::control;
    p.asked = cpus_text(cpus_);
    p.got = p.asked;
    p.outcome = placement_outcome::honoured;
    const auto settled = p;
    if (const auto ec = pin_this_thread(cpus_)) {
        if (strict) {
            throw boost::system::system_error(
                ec, "control thread: sched_setaffinity (asked: " + p.asked + "); strict enforcement");
        }
        p.outcome = placement_outcome::degraded;
        p.got = cpus_text(this_thread_cpus());
        p.error = ec;
        p.why = "sched_setaffinity: " + ec.message();
    }
    const std::lock_guard lock(mutex_);
    const auto thread = std::this_thread::get_id();
    const auto mine = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.thread == thread; });
    if (mine != entries_.end()) {
        p.owner = mine->got.owner;
        mine->got = std::move(p);
        return;
    }
    this_thread_farewell().add(weak_from_this());
    p.owner = named_ == 0 ? "control" : "control/" + std::to_string(named_);
    ++named_;
    auto at_home = settled;
    at_home.owner = p.owner;
    thread_keeper keeper(platform::this_thread(), cpus_, refuges_, std::move(at_home), p);
    entries_.push_back({thread, std::move(p), std::move(keeper)});
}

void control_threads::look(const std::function<void(const placement&)>& tell) {
    const std::lock_guard lock(mutex_);  // no thread can end meanwhile: it would have to say so first
    for (auto& e : entries_) {
        auto found = e.keeper.look();
        if (found.changed) {
            e.got = std::move(*found.changed);
            e.told = false;
        }
        if (e.told) { continue; }
        tell(e.got);
        e.told = true;
    }
}

std::vector<placement> control_threads::placements() const {
    const std::lock_guard lock(mutex_);
    std::vector<placement> all;
    for (const auto& e : entries_) { all.push_back(e.got); }
    return all;
}

void control_threads::forget(std::thread::id thread) noexcept {
    if (fork_generation() != generation_) { return; }  // a child: who held the mutex is not there to let go of it
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const entry& e) { return e.thread == thread; });
}

}  // namespace numasio::detail
