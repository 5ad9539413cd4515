// Threads of a test, and how many this process runs.
#ifndef NUMASIO_TESTS_SUPPORT_THREADS_HPP
#define NUMASIO_TESTS_SUPPORT_THREADS_HPP

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace numasio::test {

/// On a thread of its own, so that the test's keeps its CPUs and memory policy.
template <class Body>
void on_new_thread(Body body) {
    std::thread(body).join();
}

/// Threads of this process that are not ending. A thread that was joined is listed until the kernel has taken it down, which on
/// an emulated machine takes as long as a test; but by then it carries PF_EXITING.
inline std::size_t running_threads() {
    std::thread([] {}).join();  // with the first one a sanitizer may start its own
    std::size_t running = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "stat");
        std::string stat;
        std::getline(file, stat, '\0');  // a stream takes the error of a thread that has just gone; its buffer would throw it
        const auto name_ends = stat.rfind(')');
        if (name_ends == std::string::npos) { continue; }  // gone since it was listed
        std::istringstream fields(stat.substr(name_ends + 1));
        std::string skipped;
        for (int i = 0; i < 6; ++i) { fields >> skipped; }  // state ppid pgrp session tty_nr tpgid
        unsigned long flags = 0;
        fields >> flags;
        constexpr unsigned long exiting = 0x4;  // PF_EXITING, linux/sched.h
        running += (flags & exiting) == 0;
    }
    return running;
}

}  // namespace numasio::test

#endif
