// Touches pages part by part; several threads take the next part from one counter.
#include "src/prefault.hpp"

#include <numasio/affinity.hpp>

#include "src/platform/errno_code.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/signal_mask.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace numasio {
namespace {

// Touched at a time: as much may be counted twice, as promised and as no longer free; a cancellation waits for it.
constexpr std::size_t least_part = 4 << 20;
constexpr std::size_t part_of_a_thread = 64 << 20;  // below this a thread costs more than it saves

error_code touch(std::span<std::byte> part, std::size_t page, bool huge) noexcept {
    const error_code refused = platform::populate(part);
    // An older kernel (EINVAL) or a container's filter (EPERM, ENOSYS) does not know the call: touch by hand.
    if (refused.value() != EINVAL && refused.value() != EPERM && refused.value() != ENOSYS) { return refused; }
    for (std::size_t at = 0; at < part.size(); at += page) {
        if (huge) {
            if (const error_code missing = platform::touch_or_fail(part[at])) { return missing; }
            continue;
        }
        volatile std::byte& first = part[at];
        first = first;  // a write, so that it is not the shared zero page
    }
    return {};
}

class prefault {
public:
    prefault(std::span<std::byte> pages, std::size_t page, bool huge, prefault_watch* watch,
             const std::function<void(std::size_t)>& touched)
        : pages_(pages), page_(page), part_(std::max(least_part / page * page, page)), huge_(huge), watch_(watch),
          touched_(touched) {}

    prefault_result run(const std::vector<cpu_id>& cpus) {
        const std::size_t wanted = std::clamp<std::size_t>(pages_.size() / part_of_a_thread, 1, std::max<std::size_t>(cpus.size(), 1));
        std::vector<std::thread> threads;
        threads.reserve(wanted);
        try {
            const platform::without_signals quiet;
            for (std::size_t i = 0; i < wanted && !cpus.empty(); ++i) {
                threads.emplace_back([this, cpu = cpus[i]] { work_on(cpu); });
            }
        } catch (const std::system_error& e) {
            const std::lock_guard lock(mutex_);
            result_.pin = platform::errno_code(e.code().value());
        } catch (const std::bad_alloc&) {  // of a thread's state: those that exist are to be joined
            const std::lock_guard lock(mutex_);
            result_.pin = platform::errno_code(ENOMEM);
        }
        if (threads.empty()) { work(); }  // nobody else does
        for (std::thread& t : threads) { t.join(); }
        return result_;
    }

private:
    void work_on(cpu_id cpu) noexcept {
        if (const error_code refused = pin_this_thread(std::span(&cpu, 1))) {
            const std::lock_guard lock(mutex_);
            result_.pin = refused;
        }
        work();
    }

    void work() noexcept {
        for (;;) {
            const std::size_t at = next_.fetch_add(part_, std::memory_order_relaxed);
            if (at >= pages_.size() || failed_.load(std::memory_order_relaxed)) { return; }
            if (watch_ != nullptr && watch_->cancelled()) { return fail(platform::errno_code(ECANCELED)); }
            const auto part = pages_.subspan(at, std::min(part_, pages_.size() - at));
            if (const error_code refused = touch(part, page_, huge_)) { return fail(refused); }
            if (watch_ != nullptr) { watch_->add(bytes{part.size()}); }
            const std::lock_guard lock(mutex_);
            touched_(part.size());
        }
    }

    void fail(error_code error) noexcept {
        const std::lock_guard lock(mutex_);
        if (!result_.error) { result_.error = error; }
        failed_.store(true, std::memory_order_relaxed);
    }

    const std::span<std::byte> pages_;
    const std::size_t page_;
    const std::size_t part_;
    const bool huge_;
    prefault_watch* const watch_;
    const std::function<void(std::size_t)>& touched_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    prefault_result result_;  // guarded by mutex_ while threads run
};

}  // namespace

prefault_result prefault_pages(std::span<std::byte> pages, std::size_t page, bool huge, const prefault_options& how,
                               const std::function<void(std::size_t)>& touched) {
    return prefault(pages, page, huge, how.watch, touched).run(how.cpus);
}

}  // namespace numasio
