// Forks, tries, reports through a pipe.
#include "src/platform/child_trial.hpp"

#include "src/platform/errno_code.hpp"

#include <boost/system/system_error.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace numasio::platform {
namespace {

/// Fits into a pipe as a whole.
struct message {
    int error = 0;
    int elsewhere = 0;
    std::array<char, 200> text{};
};

[[noreturn]] void child(int out, const std::function<trial()>& body) {
    ::alarm(10);
    message said;
    try {
        const trial result = body();
        said.error = result.error;
        said.elsewhere = result.elsewhere ? 1 : 0;
        std::copy_n(result.text.begin(), std::min(result.text.size(), said.text.size() - 1), said.text.begin());
    } catch (...) {
        said.error = ENOMEM;  // our own code throws nothing else here
    }
    const auto written = ::write(out, &said, sizeof said);
    ::_exit(written == sizeof said ? 0 : 1);
}

}  // namespace

trial try_in_child(const std::function<trial()>& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) { throw boost::system::system_error(last_error(), "pipe"); }
    const pid_t id = ::fork();
    if (id == 0) { child(ends[1], body); }
    const auto failed = last_error();
    ::close(ends[1]);
    if (id < 0) {
        ::close(ends[0]);
        throw boost::system::system_error(failed, "fork");
    }
    message said;
    ssize_t got = 0;
    while ((got = ::read(ends[0], &said, sizeof said)) < 0 && errno == EINTR) {}
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {}
    trial result;
    if (WIFSIGNALED(status)) {
        result.killed_by = WTERMSIG(status);
    } else if (got != sizeof said) {
        result.error = EIO;
    } else {
        result.error = said.error;
        result.elsewhere = said.elsewhere != 0;
        result.text = said.text.data();
    }
    return result;
}

}  // namespace numasio::platform
