// How the shards of a sharded<T> are built together, stopped one after another, and end where their pool is stopped under them.
#include <numasio/detail/shard_group.hpp>

#include "hot_path/task_pool_core.hpp"

#include <numasio/detail/platform.hpp>

#include <boost/system/system_error.hpp>

#include <chrono>
#include <utility>

namespace numasio::detail {
namespace {

std::uint64_t next_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// A pool that is stopped tells nobody of the tasks that it does not run any more: who waits for one looks so often.
constexpr auto look_interval = std::chrono::milliseconds(10);

}  // namespace

std::exception_ptr shard_error(const error_code& code) noexcept {
    try {
        return std::make_exception_ptr(boost::system::system_error(code, "sharded"));
    } catch (...) {  // no memory for it
        return std::current_exception();
    }
}

// --- a shard --------------------------------------------------------------------------------------------

shard_base::shard_base(std::shared_ptr<shard_group> group, std::uint32_t place) noexcept : group_(std::move(group)), place_(place) {
    number = group_->number();
    leave = &leave_worker;
}

const task_terms& shard_base::terms() const noexcept { return group_->terms(place_); }
task_pool& shard_base::pool() const noexcept { return group_->pool(); }

void shard_base::call_ends() noexcept {
    if (--inside_ != 0 || !closing_) { return; }
    if (alone_) {
        delete this;
    } else {
        begin_stop();
    }
}

void shard_base::stop_ends(const std::exception_ptr& failed) noexcept {
    inside_ = 0;
    if (alone_) {
        delete this;
    } else {
        group_->one_has_stopped(*this, failed);
    }
}

void shard_base::leave_worker(tenant& self) noexcept {
    auto& one = static_cast<shard_base&>(self);
    const auto group = one.group_;
    std::exception_ptr failed;
    if (!std::exchange(one.closing_, true) && one.inside_ == 0) { failed = one.stop_now(); }
    if (one.inside_ == 0) {
        delete &one;
    } else {
        one.alone_ = true;  // coroutines hold it, which end with the pool
        failed = shard_error(errc::stopped);  // its T::stop() is not called
    }
    group->one_has_left(failed);
}

// --- their group ----------------------------------------------------------------------------------------

/// What is to be told when the lock is free again.
struct shard_group::news {
    shard_waiter* starts = nullptr;
    shard_waiter* stops = nullptr;
    std::exception_ptr start_failed;
    std::exception_ptr stop_failed;

    ~news() {
        while (auto* const one = starts) {
            starts = one->next;
            one->complete(start_failed);
        }
        while (auto* const one = stops) {
            stops = one->next;
            one->complete(stop_failed);
        }
    }
};

shard_group::shard_group(task_pool& pool, std::vector<std::uint32_t> workers)
    : pool_(pool), number_(next_number()), generation_(fork_generation()) {
    for (const auto worker : workers) { terms_.push_back({worker, task_home::worker, task_class::latency}); }
    static constexpr task_kind visits = kind_of<shard_group>(&end_visit);
    kind = &visits;
}

bool shard_group::is_forked() const noexcept { return fork_generation() != generation_; }
bool shard_group::pool_has_ended() const noexcept { return static_cast<hot_path::task_pool_core&>(pool_).has_ended(); }

error_code shard_group::begin(shard_waiter* told) noexcept {
    if (is_forked()) { return errc::forked; }
    const std::lock_guard lock(mutex_);
    const auto now = phase_.load(std::memory_order_relaxed);
    if (now != phase::idle) { return now == phase::over ? errc::stopped : errc::already_started; }
    phase_.store(phase::building, std::memory_order_release);
    unbuilt_ = size();
    starts_ = told;
    return {};
}

void shard_group::built(shard_base& one) noexcept {
    desk_of_this_thread->tenants.add(one);
    news tell;
    std::unique_lock lock(mutex_);
    ++alive_;
    --unbuilt_;
    look_whether_built(tell);
    if (phase_.load(std::memory_order_relaxed) == phase::stopping) { go_on(lock, tell); }
}

void shard_group::not_built(const std::exception_ptr& why) noexcept {
    news tell;
    std::unique_lock lock(mutex_);
    if (!start_failed_) { start_failed_ = why; }
    --unbuilt_;
    look_whether_built(tell);
    if (phase_.load(std::memory_order_relaxed) == phase::stopping) { go_on(lock, tell); }
}

/// With the lock.
void shard_group::look_whether_built(news& tell) noexcept {
    if (unbuilt_ != 0) { return; }
    if (!start_failed_ && (stop_asked_ || alive_ != size())) { start_failed_ = shard_error(errc::stopped); }
    if (start_failed_) {
        phase_.store(phase::stopping, std::memory_order_release);
        return;
    }
    phase_.store(phase::running, std::memory_order_release);
    tell.starts = std::exchange(starts_, nullptr);
    changed_.notify_all();
}

/// With the lock.
void shard_group::look_whether_over(news& tell) noexcept {
    if (alive_ != 0 || phase_.load(std::memory_order_relaxed) != phase::stopping) { return; }
    phase_.store(phase::over, std::memory_order_release);
    tell.starts = std::exchange(starts_, nullptr);
    tell.stops = std::exchange(stops_, nullptr);
    tell.start_failed = start_failed_;
    tell.stop_failed = stop_failed_;
    changed_.notify_all();
}

void shard_group::wait_until_built() {
    std::unique_lock lock(mutex_);
    const auto waits = [this] {
        const auto now = phase_.load(std::memory_order_relaxed);
        return now == phase::building || (now == phase::stopping && start_failed_);
    };
    while (waits()) {
        const bool ended = pool_has_ended();
        if (changed_.wait_for(lock, look_interval) == std::cv_status::timeout && ended && waits()) { std::rethrow_exception(shard_error(errc::stopped)); }
    }
    if (start_failed_) { std::rethrow_exception(start_failed_); }
}

void shard_group::stop(shard_waiter* told) noexcept {
    news tell;
    if (is_forked()) {
        tell.stops = told;
        tell.stop_failed = shard_error(errc::forked);
        return;
    }
    std::unique_lock lock(mutex_);
    const auto now = phase_.load(std::memory_order_relaxed);
    if (now == phase::idle) { phase_.store(phase::over, std::memory_order_release); }
    if (now == phase::idle || now == phase::over) {
        tell.stops = told;
        tell.stop_failed = stop_failed_;
        return;
    }
    stop_asked_ = true;
    if (told != nullptr) {
        told->next = stops_;
        stops_ = told;
    }
    if (now != phase::running) { return; }
    phase_.store(phase::stopping, std::memory_order_release);
    go_on(lock, tell);
}

std::exception_ptr shard_group::wait_until_over() noexcept {
    if (is_forked()) { return shard_error(errc::forked); }
    std::unique_lock lock(mutex_);
    const auto waits = [this] { return phase_.load(std::memory_order_relaxed) != phase::over; };
    while (waits()) {
        const bool ended = pool_has_ended();
        if (changed_.wait_for(lock, look_interval) == std::cv_status::timeout && ended && waits()) { return shard_error(errc::stopped); }
    }
    return stop_failed_;
}

/// To the next shard that is to be stopped. With the lock, which is free afterwards.
void shard_group::go_on(std::unique_lock<std::mutex>& lock, news& tell) noexcept {
    look_whether_over(tell);
    if (phase_.load(std::memory_order_relaxed) == phase::over || visited_ == size()) { return lock.unlock(); }
    const auto there = terms_[size() - ++visited_];
    on_its_way_ = shared_from_this();
    lock.unlock();
    // Behind all calls that were accepted for this shard: a worker's own tasks are first come, first served.
    pool_.submit(this, there, false);
}

void shard_group::end_visit(pool_task* self, bool call) {
    auto& group = static_cast<shard_group&>(*self);
    const auto held = std::move(group.on_its_way_);
    if (call) { group.visit(); }
}

/// On the worker.
void shard_group::visit() noexcept {
    auto* const found = desk_of_this_thread->tenants.find(number_);
    if (found == nullptr) {  // was not built
        news tell;
        std::unique_lock lock(mutex_);
        return go_on(lock, tell);
    }
    auto& one = static_cast<shard_base&>(*found);
    one.closing_ = true;
    if (one.inside_ == 0) { one.begin_stop(); }
}

/// On the worker.
void shard_group::one_has_stopped(shard_base& one, const std::exception_ptr& failed) noexcept {
    const auto self = shared_from_this();
    desk_of_this_thread->tenants.remove(one);
    delete &one;
    news tell;
    std::unique_lock lock(mutex_);
    if (!stop_failed_) { stop_failed_ = failed; }
    --alive_;
    go_on(lock, tell);
}

/// A worker has left, and so do all: nobody has to be visited any more.
void shard_group::one_has_left(const std::exception_ptr& failed) noexcept {
    news tell;
    const std::lock_guard lock(mutex_);
    --alive_;
    if (!stop_failed_) { stop_failed_ = failed || !stop_asked_ ? failed : shard_error(errc::stopped); }
    if (phase_.load(std::memory_order_relaxed) == phase::running) { phase_.store(phase::stopping, std::memory_order_release); }
    look_whether_over(tell);
}

}  // namespace numasio::detail
