// Looks for stalls, and tells them.
#include "hot_path/stall_teller.hpp"

#include "src/platform/thread_trace.hpp"
#include "src/stall_news.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

namespace numasio::hot_path {
namespace {

// What runs is seen for the first time a look after it began at most, and told a look after the limit.
constexpr int looks_in_a_limit = 4;
constexpr std::chrono::milliseconds least_between_looks{1};
constexpr std::chrono::seconds between_told{1};
constexpr std::chrono::milliseconds time_to_answer{100};

}  // namespace

void stall_teller::tell(std::chrono::nanoseconds limit, std::function<void(const task_stall&)> told, std::optional<int> trace_signal, const std::string& of) {
    if (const auto refused = trace_signal ? platform::take_for_traces(*trace_signal) : error_code()) {
        throw boost::system::system_error(refused, "signal " + std::to_string(*trace_signal) + " for traces of " + of + " (name a real-time signal that nobody uses: SIGRTMIN + n)");
    }
    {
        const std::lock_guard telling(telling_);
        limit_ = limit;
        told_ = std::move(told);
        trace_signal_ = trace_signal;
    }
    detail::stall_news::tell();  // who looks after the pool may sleep for longer than the limit
}

stall_teller::round stall_teller::begin() {
    round now;
    now.now_ = std::chrono::steady_clock::now();
    now.limit_ = limit_;
    now.may_tell_ = told_ && now.now_ - told_at_ >= between_told;
    now.trace_signal_ = trace_signal_;
    return now;
}

void stall_teller::round::add_trace(platform::kernel_thread thread) {
    if (trace_signal_) { found_->trace = platform::trace_of(thread, *trace_signal_, time_to_answer); }
}

std::chrono::nanoseconds stall_teller::end(const round& looked) {
    const auto next = told_ ? std::max<std::chrono::nanoseconds>(limit_ / looks_in_a_limit, least_between_looks) : std::chrono::nanoseconds::max();
    if (looked.found_) {
        told_at_ = looked.now_;
        const auto told = told_;  // it may name another
        told(*looked.found_);
    }
    return next;
}

}  // namespace numasio::hot_path
