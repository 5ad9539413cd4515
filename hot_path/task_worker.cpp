// The loop of a task pool's worker, and where it takes its tasks from.
#include "hot_path/task_worker.hpp"

#include "hot_path/task_pool_core.hpp"

#include <numasio/detail/platform.hpp>

#include <algorithm>
#include <utility>

namespace numasio::detail {

constinit thread_local task_desk* desk_of_this_thread = nullptr;

}  // namespace numasio::detail

namespace numasio::hot_path {
namespace {

using detail::idle_workers;
using detail::task_class;

constexpr std::size_t batch = 16;                   // tasks that are taken from an intake at a time
constexpr std::uint32_t turns_per_bulk_share = 64;  // as a service's turn
constexpr std::int64_t look_interval_ns = 100'000;  // a busy worker looks at timers, sockets and other threads' tasks about so often
constexpr std::uint32_t most_tasks_per_look = 64;

}  // namespace

task_worker::task_worker(task_pool_core& pool, task_node& node, std::uint32_t place, const worker_site& where, std::pmr::memory_resource& memory)
    : site(where), pool_(pool), node_(node), place_(place), newest_first_(pool.asked().order == task_order::newest_first), own_(pool.capacity(), memory), bell_(pool.io()) {
    desk_.pool = &pool;
    desk_.direct = pool.observer() == nullptr ? &pool : nullptr;
    desk_.node = pool.place_of(node);
    desk_.worker = place;
    desk_.alone = node.workers == 1 && pool.asked().steal == steal_scope::node;
    desk_.idle = &node.idle;
    desk_.queues[0] = &queues_[0];
    desk_.queues[1] = &queues_[1];
}

task_worker::~task_worker() = default;

// --- the loop ---------------------------------------------------------------------------------------

template <bool Observed>
[[gnu::always_inline]] inline void task_worker::run_task(pool_task* task) noexcept {
    [[maybe_unused]] task_event event;
    [[maybe_unused]] bool failed = false;
    if constexpr (Observed) {
        event = event_of(task);
        pool_.observer()->started(event, site);
    }
    running_.store(task->kind, std::memory_order_relaxed);
    desk_.slice_end = 0;
    try {
        task->kind->end(task, true);
    } catch (...) {
        failed = true;
        count_failure(std::current_exception());
    }
    running_.store(nullptr, std::memory_order_relaxed);
    ran_.add();
    if constexpr (Observed) { pool_.observer()->ended(event, site, failed); }
}

inline pool_task* task_worker::take_own(int kind) noexcept {
    auto& queue = queues_[kind];
    auto* const task = newest_first_ ? queue.take_newest() : desk_.alone ? queue.take_oldest_alone() : queue.take_oldest();
    return task == nullptr ? nullptr : unless_benched(task, kind);
}

[[gnu::always_inline]] inline pool_task* task_worker::next() noexcept {
    if (desk_.tasks_until_look-- == 0) {
        if (auto* task = look_around()) { return task; }
    }
    if (bulk_left_ != 0) {
        --bulk_left_;
        if (auto* task = take_own(1)) { return task; }
        if (auto* task = take_in(node_.intakes[1], 1)) { return task; }
        bulk_left_ = 0;
    } else if (++turn_ % turns_per_bulk_share == 0) {
        bulk_left_ = pool_.bulk_weight();
    }
    if (auto* task = take_own(0)) { return task; }
    if (auto* task = take_pinned()) { return task; }
    if (is_ordered(bench)) { return nullptr; }
    if (auto* task = take_in(node_.intakes[0], 0)) { return task; }
    if (auto* task = take_own(1)) { return task; }
    return take_in(node_.intakes[1], 1);
}

template <bool Observed>
void task_worker::run_loop() noexcept {
    for (;;) {
        auto* task = next();
        if (task == nullptr && idle_laps_ % laps_per_search == 0) { task = search(); }
        // After the look for a task: what is posted once an order was given is not begun against it.
        if (orders_.load(std::memory_order_relaxed) != 0 || on_bench_) [[unlikely]] {
            const auto what = obeys(task);
            if (what.leaves) { break; }
            task = what.task;
        }
        if (task == nullptr) {
            if (!spins() && !naps()) { sleep(); }
            continue;
        }
        idle_laps_ = 0;
        idling_.found_task();
        run_task<Observed>(task);
    }
}

void task_worker::run() noexcept {
    detail::desk_of_this_thread = &desk_;
    pool_.observer() == nullptr ? run_loop<false>() : run_loop<true>();
    idling_.end_search();
    desk_.tenants.all_leave();
    detail::desk_of_this_thread = nullptr;
}

/// `task`, where it is not null, is about to be run.
task_worker::obeyed task_worker::obeys(pool_task* task) noexcept {
    const bool is_pinned = task != nullptr && task->next == task;
    while (is_ordered(pause) && !is_ordered(leave)) {
        if (task != nullptr) { keep(task); }
        sleep();
        // Perhaps another one: a handler that ran in that sleep may have waited for this one.
        if (task != nullptr) { task = take_pinned(); }
    }
    // Behind the sleeps: who rang the last of them may have left tasks to this worker.
    on_bench_ = is_ordered(bench);
    if (on_bench_) { empty_bench(); }
    if (!is_ordered(leave)) { return {false, task}; }
    if (task == nullptr) { return {true, nullptr}; }
    if (is_pinned) { keep(task); }
    // Where a task that waits for it may find it (help()).
    else if (!queues_[0].push(task)) { node_.intakes[0].push(task, false); }
    return {true, nullptr};
}

/// In front of those that are for this worker alone.
void task_worker::keep(pool_task* task) noexcept {
    task->next = pinned_first_;
    if (pinned_first_ == nullptr) { pinned_end_ = &task->next; }
    pinned_first_ = task;
    pinned_.store(pinned_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void task_worker::count_failure(const std::exception_ptr& thrown) noexcept {
    failed_.add();
    if (failed_.get() != 1) { return; }
    try {
        std::string text = "an exception that is no std::exception";
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            text = e.what();
        } catch (...) {  // what it is, nobody can say
        }
        const std::lock_guard lock(failure_mutex_);
        first_failure_ = std::move(text);
    } catch (const std::exception&) {
        // No memory for the text; it was counted.
    }
}

bool task_worker::help(bool of_this_worker) noexcept {
    const auto is_paused = [this] { return is_ordered(pause) && !is_ordered(leave); };
    if (is_paused()) { return false; }
    const auto* const outer = running_.load(std::memory_order_relaxed);
    if (desk_.tasks_until_look-- == 0) { poll_io(look_is_due()); }
    const bool benched = is_ordered(bench);
    pool_task* task = nullptr;
    int kind = 0;
    for (; task == nullptr && kind < 2; ++kind) {
        task = queues_[kind].take_newest();
        for (auto victim = victims_.begin(); task == nullptr && victim != victims_.end(); ++victim) { task = (*victim)->queues_[kind].steal().item; }
        if (task == nullptr && !benched) { task = take_in(node_.intakes[kind], kind); }
    }
    --kind;
    if (task == nullptr && of_this_worker) { task = take_pinned(); }
    if (task == nullptr) { return false; }
    if (is_paused()) {  // perhaps before the task was posted
        if (task->next == task) {
            keep(task);
            return false;
        }
        if (!queues_[kind].push(task)) { node_.intakes[kind].push(task, false); }
        // Who was told to go on in the meantime has found it nowhere.
        const auto sleeper = node_.idle.after_publishing();
        if (sleeper != idle_workers::nobody) { wake(sleeper); }
        return false;
    }
    const auto slice_end = desk_.slice_end;
    pool_.observer() == nullptr ? run_task<false>(task) : run_task<true>(task);
    running_.store(outer, std::memory_order_relaxed);
    desk_.slice_end = slice_end;
    return true;
}

// --- where tasks come from --------------------------------------------------------------------------

/// Those that are for this worker alone; nobody steals them.
pool_task* task_worker::take_pinned() noexcept {
    if (pinned_first_ == nullptr) {
        const auto n = own_.take(batch, [this](pool_task* task) {
            task->next = nullptr;
            *pinned_end_ = task;
            pinned_end_ = &task->next;
        });
        if (n == 0) { return nullptr; }
        taken_in_.add(n);
        pinned_.store(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
    }
    auto* const task = pinned_first_;
    pinned_first_ = task->next;
    if (pinned_first_ == nullptr) { pinned_end_ = &pinned_first_; }
    pinned_.store(pinned_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    task->next = task;  // the mark of those that are for one worker
    return task;
}

/// One to run; some more into the own queue, from which others may steal them.
pool_task* task_worker::take_in(task_intake& from, int kind) noexcept {
    pool_task* first = nullptr;
    take_some(from, kind, [&](pool_task* task) { return first == nullptr && (first = task) != nullptr; });
    return unless_benched(first, kind);
}

/// Behind what is in the own queue.
void task_worker::take_in_last(task_intake& from, int kind) noexcept {
    take_some(from, kind, [](pool_task*) { return false; });
    unless_benched(nullptr, kind);
}

/// A task that any worker may run, but for one that was benched, perhaps before the task was posted.
void task_worker::give_back(pool_task* task, int kind) noexcept {
    if (task != nullptr) { node_.intakes[kind].push(task, false); }
    empty_bench(task != nullptr);
}

/// Into the own queue, but for what `keep` keeps.
template <class Keep>
void task_worker::take_some(task_intake& from, int kind, Keep&& keep) noexcept {
    if (!from.has_some()) { return; }
    auto& queue = queues_[kind];
    const std::size_t room = detail::task_deque::places - queue.size();
    // A share: others of the node may be about to take some too.
    const std::size_t share = desk_.alone ? batch : from.has_two() ? from.size() / node_.workers + 1 : 1;
    std::size_t shown = 0;
    const auto n = from.take(std::min({batch, share, room}), [&](pool_task* task) {
        if (keep(task)) { return; }
        if (!queue.push(task)) { from.push(task, false); }
        ++shown;
    });
    taken_in_.add(n);
    // Who looked for them in between has found them in neither place: they are published anew.
    if (shown == 0 || desk_.alone) { return; }
    const auto sleeper = node_.idle.after_publishing();
    if (sleeper != idle_workers::nobody) { pool_.wake(node_, sleeper); }
}

/// After how many tasks it looks again; the time of this look.
std::int64_t task_worker::look_is_due() noexcept {
    const auto now = detail::steady_ns();
    const auto passed = std::max<std::int64_t>(now - looked_at_, 1);
    looked_at_ = now;
    // Long tasks: a look after fewer of them.
    if (passed > look_interval_ns) {
        tasks_per_look_ = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(tasks_per_look_ * look_interval_ns / passed));
    } else {
        tasks_per_look_ = std::min(tasks_per_look_ * 2, most_tasks_per_look);
    }
    desk_.tasks_until_look = tasks_per_look_;
    return now;
}

/// Now and then also a worker that never idles sees to what comes from elsewhere, and has other nodes see to what is too much for its own.
pool_task* task_worker::look_around() noexcept {
    poll_io(look_is_due());
    pool_.tell_abroad(node_);
    if (auto* task = take_pinned()) { return task; }
    if (is_ordered(bench)) { return nullptr; }
    if (newest_first_) { return take_in(node_.intakes[0], 0); }
    take_in_last(node_.intakes[0], 0);
    return nullptr;
}

/// Who is benched leaves nothing behind that others could run. `gave_back`: it has begun to.
void task_worker::empty_bench(bool gave_back) noexcept {
    for (int kind = 0; kind < 2; ++kind) {
        for (; auto* task = queues_[kind].take_oldest(); gave_back = true) { node_.intakes[kind].push(task, false); }
    }
    idling_.leave_search(gave_back);
}

std::uint64_t task_worker::destroy_tasks() noexcept {
    std::uint64_t n = 0;
    const auto destroy = [&](pool_task* task) {
        ++n;
        task->kind->end(task, false);
    };
    for (auto& queue : queues_) {
        while (auto* task = queue.take_oldest()) { destroy(task); }
    }
    while (auto* task = take_pinned()) { destroy(task); }
    return n;
}

task_worker_status task_worker::status() const {
    task_worker_status s;
    s.site = site;
    const auto* const kind = running();
    s.state = kind != nullptr && stalls.is_stuck() ? worker_state::stuck : state.load(std::memory_order_acquire);
    if (kind != nullptr) { s.running = task_name({nullptr, kind->name, kind->function}); }
    s.stalls = stalls.count();
    s.asleep = node_.idle.is_asleep(place_on_node());
    s.benched = is_ordered(bench);
    s.ran = ran_.get();
    s.failed = failed_.get();
    s.stolen = stolen_.get();
    s.stolen_abroad = stolen_abroad_.get();
    s.distance_abroad = distance_.get();
    s.taken_in = taken_in_.get();
    s.parks = parks_.get();
    s.searches = searches_.get();
    s.empty_searches = empty_searches_.get();
    s.polls = polls_.get();
    s.queued = queues_[0].size() + queues_[1].size() + own_.size() + pinned_.load(std::memory_order_relaxed);
    s.displacements = displacements.load(std::memory_order_relaxed);
    const std::lock_guard lock(failure_mutex_);
    s.first_failure = first_failure_;
    return s;
}

}  // namespace numasio::hot_path
