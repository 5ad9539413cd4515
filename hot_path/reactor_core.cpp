// The way into a reactor worker from other threads, and what it makes of what comes.
#include <numasio/detail/reactor_core.hpp>

#include "src/platform/descriptor.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <bit>

namespace numasio::detail {

constinit thread_local reactor_core* reactor_of_this_thread = nullptr;

namespace {

int bell_of(const worker_site& site) {
    error_code ec;
    auto bell = platform::make_bell(ec);
    if (ec) { throw boost::system::system_error(ec, site.pool + "/" + std::to_string(site.index) + ": eventfd" + platform::remedy_of(ec)); }
    return bell.release();
}

}  // namespace

reactor_core::reactor_core(worker_site where, std::uint32_t capacity, const void* of_pool)
    : site(std::move(where)), pool(of_pool), bell_(bell_of(site)), inbox_(std::bit_ceil(std::max(capacity, 2U))) {}

reactor_core::~reactor_core() {
    destroy_arrivals();
    const platform::descriptor closes(bell_);
}

void reactor_core::refuse(errc why) { throw boost::system::system_error(why, "an executor of a reactor pool"); }

void reactor_core::submit(pool_task* task, bool refusable) {
    const auto ec = offer(task, refusable);
    if (!ec) { return; }
    task->kind->end(task, false);
    throw boost::system::system_error(ec, site.pool + "/" + std::to_string(site.index));
}

error_code reactor_core::offer(pool_task* task, bool refusable) noexcept {
    if (fork_generation() != generation_) { return errc::forked; }
    if (refusable && closed_.load(std::memory_order_acquire)) {
        // What the pool's own workers send one another is part of what was accepted.
        const auto* sender = reactor_of_this_thread;
        if (sender == nullptr || sender->pool != pool) { return errc::stopped; }
    }
    if (!inbox_.push(task, true)) {
        if (refusable) {
            refused.fetch_add(1, std::memory_order_relaxed);
            return errc::pool_full;
        }
        overflowed.fetch_add(1, std::memory_order_relaxed);
        static_cast<void>(inbox_.push(task, false));
    }
    ring();
    return {};
}

void reactor_core::ring() noexcept {
    if (!bell.ring()) { return; }
    doorbells.fetch_add(1, std::memory_order_relaxed);
    platform::ring_bell(bell_);
}

void reactor_core::work_ends_elsewhere() noexcept {
    // Seq_cst, as the reading in work(): of this and a worker's announcement that it has nothing left one comes first, and the bell wakes whom this concerns.
    work_elsewhere_.fetch_sub(1, std::memory_order_seq_cst);
    if (is_ending() && fork_generation() == generation_) { ring(); }
}

void reactor_core::end_by(std::int64_t deadline_ns) noexcept {
    auto before = deadline_ns_.load(std::memory_order_relaxed);
    while (deadline_ns < before && !deadline_ns_.compare_exchange_weak(before, deadline_ns, std::memory_order_relaxed)) {}
    ending_.store(true, std::memory_order_seq_cst);
    ring();
}

void reactor_core::run(pool_task* task) noexcept {
    arrivals.add();
    try {
        task->kind->end(task, true);
    } catch (...) {
        note_failure(std::current_exception());
    }
}

std::size_t reactor_core::destroy_arrivals() noexcept {
    const auto destroy = [](pool_task* task) {
        try {
            task->kind->end(task, false);
        } catch (...) {  // moving it to its end threw; its remains are destroyed
        }
    };
    std::size_t n = 0;
    while (inbox_.take(1, destroy) != 0) { ++n; }
    destroyed.fetch_add(n, std::memory_order_relaxed);
    return n;
}

std::string text_of(const std::exception_ptr& what) {
    try {
        std::rethrow_exception(what);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

void reactor_core::note_failure(const std::exception_ptr& what) noexcept {
    failed.add();
    if (failed.get() != 1) { return; }
    try {
        auto text = text_of(what);
        const std::lock_guard lock(failure_mutex_);
        first_failure_ = std::move(text);
    } catch (...) {  // no memory for the text: it is counted
    }
}

std::string reactor_core::first_failure() const {
    const std::lock_guard lock(failure_mutex_);
    return first_failure_;
}

}  // namespace numasio::detail
