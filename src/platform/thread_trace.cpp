// One request at a time: the asking thread names another, whose handler of the signal answers.
#include "src/platform/thread_trace.hpp"

#include "src/platform/errno_code.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace numasio::platform {
namespace {

enum class trace_step : std::uint32_t { none, asked, answering, answered };

struct trace_request {
    std::atomic<trace_step> step{trace_step::none};
    std::atomic<std::int32_t> whom{0};
    std::array<void*, 64> calls{};
    int count = 0;
};
constinit trace_request the_request;
constinit std::mutex one_trace_at_a_time;

void answer_with_trace(int, siginfo_t*, void*) {
    const int saved = errno;
    auto expected = trace_step::asked;
    if (the_request.whom.load(std::memory_order_relaxed) == this_thread().number &&
        the_request.step.compare_exchange_strong(expected, trace_step::answering, std::memory_order_acquire, std::memory_order_relaxed)) {
        the_request.count = ::backtrace(the_request.calls.data(), static_cast<int>(the_request.calls.size()));
        the_request.step.store(trace_step::answered, std::memory_order_release);
    }
    errno = saved;
}

std::string hex_text(std::uintptr_t number) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "0x%zx", static_cast<std::size_t>(number));
    return text.data();
}

std::string text_of_call(void* call) {
    const auto at = reinterpret_cast<std::uintptr_t>(call);
    Dl_info found{};
    if (::dladdr(call, &found) == 0 || found.dli_fname == nullptr) { return hex_text(at); }
    std::string_view file = found.dli_fname;
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
    auto place = "[" + std::string(file) + "+" + hex_text(at - reinterpret_cast<std::uintptr_t>(found.dli_fbase)) + "]";
    if (found.dli_sname == nullptr) { return place; }
    const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, nullptr), &std::free);
    return std::string(plain ? plain.get() : found.dli_sname) + "+" + hex_text(at - reinterpret_cast<std::uintptr_t>(found.dli_saddr)) + " " + place;
}

}  // namespace

error_code take_for_traces(int signal) noexcept {
    // The others mean something already: a fault whose handler returns is met again, for ever, and a request to end would be lost.
    if (signal < SIGRTMIN || signal > SIGRTMAX) { return errno_code(EINVAL); }
    const std::lock_guard lock(one_trace_at_a_time);
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0) { return last_error(); }
    const bool is_ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == &answer_with_trace;
    if (is_ours) { return {}; }
    if ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) { return errno_code(EBUSY); }
    std::array<void*, 1> first{};
    static_cast<void>(::backtrace(first.data(), 1));  // loads what it needs, here, and not in a handler
    struct sigaction ours {};
    ours.sa_sigaction = &answer_with_trace;
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ::sigemptyset(&ours.sa_mask);
    return ::sigaction(signal, &ours, nullptr) == 0 ? error_code() : last_error();
}

std::vector<std::string> trace_of(kernel_thread thread, int signal, std::chrono::milliseconds wait) {
    constexpr int of_the_handler = 2;  // itself, and what the kernel called it by
    std::vector<std::string> frames;
    const std::lock_guard lock(one_trace_at_a_time);
    frames.reserve(the_request.calls.size());
    the_request.whom.store(thread.number, std::memory_order_relaxed);
    the_request.step.store(trace_step::asked, std::memory_order_release);
    const bool sent = ::syscall(SYS_tgkill, ::getpid(), thread.number, signal) == 0;
    for (auto left = sent ? wait.count() : 0; left > 0 && the_request.step.load(std::memory_order_acquire) != trace_step::answered; --left) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    auto expected = trace_step::asked;
    if (the_request.step.compare_exchange_strong(expected, trace_step::none, std::memory_order_relaxed)) { return frames; }
    while (the_request.step.load(std::memory_order_acquire) != trace_step::answered) { std::this_thread::yield(); }
    for (int i = of_the_handler; i < the_request.count; ++i) { frames.push_back(text_of_call(the_request.calls[static_cast<std::size_t>(i)])); }
    the_request.step.store(trace_step::none, std::memory_order_relaxed);
    return frames;
}

}  // namespace numasio::platform
