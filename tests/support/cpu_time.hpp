// What this process has used of the processors.
#pragma once

#include <sys/resource.h>

#include <chrono>

namespace numasio::test {

inline std::chrono::microseconds cpu_time_of_process() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    return us(used.ru_utime) + us(used.ru_stime);
}

}  // namespace numasio::test
