// Which signals a thread takes. Private to src/, hot_path/ and control_plane/.
#pragma once

#include <csignal>

namespace numasio::platform {

/// A thread that is started meanwhile leaves signals that are sent to the process to the program's own threads: no handler of theirs runs on it, and no system call of it
/// returns EINTR for them. It takes what concerns itself (faults, SIGABRT, SIGPIPE, SIGXFSZ, SIGTRAP), what profilers sample with (SIGPROF, SIGVTALRM) and the real-time signals.
/// Threads: the one that starts threads, which blocks the same for that time. Lifetime: a scope.
class without_signals {
public:
    without_signals() noexcept {
        ::sigset_t others{};
        ::sigfillset(&others);
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE, SIGXFSZ, SIGPROF, SIGVTALRM}) { ::sigdelset(&others, own); }
        for (int real_time = SIGRTMIN; real_time <= SIGRTMAX; ++real_time) { ::sigdelset(&others, real_time); }
        ::pthread_sigmask(SIG_BLOCK, &others, &before_);
    }
    ~without_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    without_signals(const without_signals&) = delete;
    without_signals& operator=(const without_signals&) = delete;

private:
    ::sigset_t before_{};
};

}  // namespace numasio::platform
