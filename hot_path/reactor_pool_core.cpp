// A reactor pool's life: settle every worker, serve, end together, and say how it is.
#include "hot_path/reactor_pool_core.hpp"

#include "hot_path/context_error.hpp"
#include "hot_path/reactor_listeners.hpp"
#include "hot_path/reactor_loop.hpp"
#include "hot_path/site_check.hpp"
#include "hot_path/thread_settler.hpp"
#include "hot_path/worker_keepers.hpp"
#include "src/platform/signal_mask.hpp"

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>
#include <numasio/detail/thread_row.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_timer.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

namespace numasio::hot_path {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

const pool_plan& checked(const pool_plan& asked, const topology& machine, const std::vector<worker_site>& sites) {
    if (!machine.cpus_are_real()) { throw boost::system::system_error(errc::not_this_machine, machine.source); }
    check_sites(asked.name, sites);
    if (asked.idle.strategy == idle_strategy::caller_drives) {
        throw boost::system::system_error(make_error_code(boost::system::errc::operation_not_supported),
                                          asked.name + ": idle: caller_drives; a reactor has a thread of its own");
    }
    return asked;
}

/// What Asio makes when it is first needed enters the context's lists, unlocked: made here, objects may be constructed anywhere.
void make_services(boost::asio::io_context& io) {
    const boost::asio::steady_timer steady(io);
    const boost::asio::system_timer system(io);
    const boost::asio::ip::tcp::socket socket(io);
}

}  // namespace

reactor_pool_core::reactor_pool_core(pool_plan asked, const topology& machine, std::vector<worker_site> sites)
    : plan_(checked(asked, machine, sites)), machine_(machine), sites_(std::move(sites)),
      group_(std::make_shared<detail::reactor_group>(sites_, plan_.tasks.capacity)), keepers_(sites_.size()), numbers_(sites_.size()), watches_(sites_.size()) {}

reactor_pool_core::~reactor_pool_core() {
    if (is_in_child()) {  // the threads are not here, and the epoll instances are the parent's too
        for (auto& thread : threads_) { thread.detach(); }
        static_cast<void>(new auto(std::move(group_)));
        static_cast<void>(new auto(std::move(elsewhere_)));
        return;
    }
    must_not_be_on_a_worker("destroyed");
    stop();
    join();
}

// --- the start ----------------------------------------------------------------------------------------

void reactor_pool_core::start() {
    threads_.reserve(sites_.size());
    try {
        const platform::without_signals quiet;
        for (std::size_t i = 0; i < sites_.size(); ++i) {
            threads_.emplace_back([this, i] { run_worker(i); });
        }
    } catch (const std::system_error& e) {
        const auto name = name_of(sites_[threads_.size()]);  // the destructor ends those that there are
        throw boost::system::system_error(errc::thread_refused,
                                          name + " (" + e.what() + "); raise the limit on threads (ulimit -u, pids.max) or plan fewer workers");
    }
    wait_until_settled();
    const std::lock_guard lock(mutex_);
    if (failure_) { std::rethrow_exception(failure_); }
}

void reactor_pool_core::wait_until_settled() {
    for (auto n = settled_.load(std::memory_order_acquire); n != sites_.size(); n = settled_.load(std::memory_order_acquire)) {
        detail::futex_wait(settled_, n);
    }
}

void reactor_pool_core::settle(std::size_t index) {
    auto& core = *group_->cores[index];
    thread_settler steps(core.site, core.placements, plan_.enforce, machine_.origin);
    steps.pin();
    steps.set_memory_policy();
    steps.give_row();
    steps.set_priority(plan_.realtime);
    name_this_thread(name_of(core.site));
    detail::keep_blocks_of(detail::place_of_node(core.site.node), memory_node_of(core.site, machine_));
    numbers_[index] = platform::this_thread();
    keepers_[index].emplace(keeper_of_this_thread(core.site, refuges_from(machine_, core.site.node), core.placements));
}

void reactor_pool_core::make_context(std::size_t index, std::optional<reactor_loop>& loop) {
    auto& core = *group_->cores[index];
    try {
        core.inner.emplace();
        make_services(*core.inner);
        loop.emplace(*group_, index, plan_.idle);
    } catch (const boost::system::system_error& e) {
        throw context_error(name_of(core.site) + ": its io_context", e);
    }
}

void reactor_pool_core::run_worker(std::size_t index) noexcept {
    auto& core = *group_->cores[index];
    std::optional<reactor_loop> loop;
    try {
        settle(index);
        make_context(index, loop);
        core.state.store(worker_state::running, std::memory_order_release);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) { failure_ = std::current_exception(); }
    }
    const bool settled = loop.has_value();
    settled_.fetch_add(1, std::memory_order_release);
    detail::futex_wake_one(settled_);  // start() alone waits
    if (settled) {
        detail::reactor_of_this_thread = &core;
        if (!loop->serve()) { left_.fetch_add(std::max<std::int64_t>(core.work(), 0), std::memory_order_relaxed); }
        core.listeners.clear();
        core.destroy_arrivals();
        core.inner->end_handlers();
        core.destroy_arrivals();  // what their destructors have sent
        loop.reset();
        detail::reactor_of_this_thread = nullptr;
    }
    core.state.store(worker_state::stopped, std::memory_order_release);
}

// --- the end ------------------------------------------------------------------------------------------

void reactor_pool_core::end_all(std::int64_t deadline_ns) noexcept {
    for (const auto& core : group_->cores) { core->end_by(deadline_ns); }
}

void reactor_pool_core::stop() noexcept {
    if (is_in_child()) { return; }
    for (const auto& core : group_->cores) { core->close_intake(); }
    end_all(detail::reactor_core::now_ns());
    close_elsewhere();
}

/// It would wait for itself.
void reactor_pool_core::must_not_be_on_a_worker(const char* what) const {
    if (runs_here()) { throw boost::system::system_error(errc::may_not_block, plan_.name + ": " + what + " on one of its own workers"); }
}

bool reactor_pool_core::runs_here() const noexcept {
    return std::any_of(group_->cores.begin(), group_->cores.end(), [](const auto& core) { return core->runs_here(); });
}

void reactor_pool_core::join() {
    if (is_in_child()) { return; }  // nobody is here to be waited for
    must_not_be_on_a_worker("join()");
    end_all(never);
    close_elsewhere();
    const std::lock_guard one(joining_);
    for (auto& thread : threads_) {
        if (thread.joinable()) { thread.join(); }
    }
    // Nobody would run it. What came since a worker had ended:
    for (const auto& core : group_->cores) {
        core->close_intake();
        core->destroy_arrivals();
    }
}

std::uint64_t reactor_pool_core::stop_in(std::chrono::nanoseconds deadline) {
    if (is_in_child()) { return 0; }
    must_not_be_on_a_worker("stop(deadline)");
    for (const auto& core : group_->cores) { core->close_intake(); }
    const auto now = detail::reactor_core::now_ns();
    end_all(deadline.count() < never - now ? now + deadline.count() : never);
    join();
    std::uint64_t left = static_cast<std::uint64_t>(left_.load(std::memory_order_relaxed));
    for (const auto& core : group_->cores) { left += core->destroyed.load(std::memory_order_relaxed); }
    return left;
}

void reactor_pool_core::resize(std::uint32_t workers_per_node) noexcept {
    const std::lock_guard lock(mutex_);
    group_->resize(workers_per_node);
}

// --- listeners ----------------------------------------------------------------------------------------

void reactor_pool_core::must_accept(const endpoint& at, const connection_handler& handler) const {
    if (!handler) { refuse_listening(make_error_code(boost::system::errc::invalid_argument), at, "the handler is empty"); }
    if (is_in_child()) { throw boost::system::system_error(errc::forked, plan_.name); }
    if (!group_->cores.front()->takes_new_work()) { throw boost::system::system_error(errc::stopped, plan_.name); }
}

reactor_pool_core::endpoint reactor_pool_core::listen(const endpoint& at, connection_handler handler) {
    must_accept(at, handler);
    const auto where = free_endpoint(at);
    std::vector<listening_socket> sockets;
    for (std::uint32_t i = 0; i < sites_.size(); ++i) {
        sockets.push_back(make_listening_socket(where, true, sites_[i].cpu));
        sockets.back().what.worker = i;
    }
    const std::lock_guard lock(mutex_);
    listeners_.reserve(listeners_.size() + sockets.size());
    const auto shared = std::make_shared<const connection_handler>(std::move(handler));
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        listeners_.push_back(sockets[i].what);
        start_accepting(*group_, *group_->cores[i], std::move(sockets[i]), shared);
    }
    return where;
}

reactor_pool_core::endpoint reactor_pool_core::accept_on(const boost::asio::any_io_executor& control, const endpoint& at, connection_handler handler,
                                                         std::function<reactor_executor(const endpoint&)> choose) {
    must_accept(at, handler);
    auto socket = make_listening_socket(at, false, std::nullopt);
    const auto where = socket.what.endpoint;
    const std::lock_guard lock(mutex_);
    listeners_.push_back(socket.what);
    elsewhere_.push_back(start_handing_over(group_, control, std::move(socket), std::make_shared<const connection_handler>(std::move(handler)), std::move(choose)));
    return where;
}

void reactor_pool_core::close_elsewhere() noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto& known : elsewhere_) {
        if (const auto listener = known.lock()) { listener->close(); }
    }
    elsewhere_.clear();
    listeners_.clear();
}

void reactor_pool_core::stop_listening() {
    if (is_in_child()) { return; }
    close_elsewhere();
    for (const auto& core : group_->cores) {
        if (!core->is_ending()) { stop_accepting(*core); }  // else it does by itself
    }
}

// --- how it is ----------------------------------------------------------------------------------------

reactor_pool_status reactor_pool_core::status() const {
    reactor_pool_status s;
    s.name = plan_.name;
    s.accepting = group_->cores.front()->takes_new_work() && !is_in_child();
    s.turned_away = group_->turned_away.load(std::memory_order_relaxed);
    s.first_failure = group_->first_failure();
    s.accept_failures = group_->accept_failures.load(std::memory_order_relaxed);
    for (const auto& core : group_->cores) {
        reactor_worker_status w;
        w.site = core->site;
        const auto& watch = watches_[s.workers.size()];
        w.state = core->state.load(std::memory_order_acquire);
        if (w.state == worker_state::running && watch.is_stuck()) { w.state = worker_state::stuck; }
        w.stalls = watch.count();
        w.benched = core->benched.load(std::memory_order_relaxed);
        w.asleep = core->bell.is_sleeping();
        w.arrivals = core->arrivals.get();
        w.failed = core->failed.get();
        w.refused = core->refused.load(std::memory_order_relaxed);
        w.overflowed = core->overflowed.load(std::memory_order_relaxed);
        w.abandoned = core->destroyed.load(std::memory_order_relaxed);
        w.queued = core->queued();
        w.work = core->work();
        w.doorbells = core->doorbells.load(std::memory_order_relaxed);
        w.sleeps = core->sleeps.get();  // behind the doorbells, of which there is at most one for each
        w.accepted = core->accepted.get();
        w.open = core->open.load(std::memory_order_relaxed);
        w.displacements = core->displacements.load(std::memory_order_relaxed);
        w.first_failure = core->first_failure();
        s.accept_failures += core->accept_failures.load(std::memory_order_relaxed);
        s.workers.push_back(std::move(w));
    }
    s.placements = placements();
    const std::lock_guard lock(mutex_);
    s.listeners = listeners_;
    return s;
}

std::vector<placement> reactor_pool_core::placements() const {
    std::vector<placement> all;
    for (const auto& core : group_->cores) {
        for (auto& p : core->placements.all()) { all.push_back(std::move(p)); }
    }
    return all;
}

void reactor_pool_core::look_after(const std::function<void(const placement&)>& tell) {
    if (is_in_child()) { return; }
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        auto& core = *group_->cores[i];
        if (core.state.load(std::memory_order_acquire) != worker_state::running) { continue; }
        auto found = keepers_[i]->look();
        if (found.displaced) { core.displacements.fetch_add(1, std::memory_order_relaxed); }
        if (!found.changed) { continue; }
        core.placements.replace(*found.changed);
        tell(*found.changed);
    }
    static_cast<void>(look_for_stalls());
}

std::chrono::nanoseconds reactor_pool_core::look_for_stalls() {
    if (is_in_child()) { return std::chrono::nanoseconds::max(); }
    return stalls.look([this](stall_teller::round& looks) {
        for (std::size_t i = 0; i < sites_.size(); ++i) {
            auto& core = *group_->cores[i];
            const bool runs = core.state.load(std::memory_order_acquire) == worker_state::running && !core.is_resting();
            const auto progress = core.progress();
            // It may also be between two of its handlers, whose ends nobody counts: this has it come round.
            if (runs) { core.ring(); }
            looks.look_at(watches_[i], runs, progress, sites_[i], numbers_[i], [] { return std::string("a handler"); });
        }
    });
}

}  // namespace numasio::hot_path
