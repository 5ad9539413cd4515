// What this process, and one of its threads, have used of the processors.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace numasio::test {

inline std::chrono::microseconds cpu_time_of_process() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    return us(used.ru_utime) + us(used.ru_stime);
}

/// What a thread of this process has used.
inline std::chrono::nanoseconds cpu_time_of(pid_t thread) {
    const auto clock = static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | 6U);  // the kernel's name for that thread's clock
    timespec used{};
    if (::clock_gettime(clock, &used) != 0) { throw std::system_error(errno, std::generic_category(), "clock_gettime of a thread"); }
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// The same, once the kernel says that it sleeps: one that only waits for a processor uses nothing either, for a while.
inline std::chrono::nanoseconds cpu_time_of_sleeping(pid_t thread) {
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
        std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
        std::string stat;
        std::getline(file, stat, '\0');
        const auto name_ends = stat.rfind(") ");
        if (name_ends == std::string::npos) { throw std::runtime_error("no thread " + std::to_string(thread)); }
        if (stat.compare(name_ends, 4, ") S ") == 0) { return cpu_time_of(thread); }
    }
}

/// Of an emulated machine the processors take turns on one of the host's: what passes while one waits counts as its threads' time.
inline bool processor_time_is_real() { return !std::filesystem::exists("/run/guest.sh"); }

}  // namespace numasio::test
