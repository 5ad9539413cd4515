// A server under measurement as a child process: started, found ready, asked for its CPU time, ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace numasio::bench {

class server_process {
public:
    /// Starts `command` (program first) with `environment` added; waits until the port accepts connections.
    /// Fails: throws std::runtime_error with what the server printed.
    server_process(std::string name, std::vector<std::string> command, std::uint16_t port,
                   std::vector<std::string> environment = {});
    ~server_process();  ///< SIGTERM, then SIGKILL after five seconds
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;

    const std::string& name() const noexcept { return name_; }
    std::uint16_t port() const noexcept { return port_; }
    pid_t pid() const noexcept { return pid_; }
    struct cpu_time {
        double total = 0;         ///< seconds
        double user_ticks = 0, system_ticks = 0;
    };
    /// CPU seconds used up to now, by all threads that live. Their sum is the scheduler's own count, in nanoseconds
    /// (/proc/PID/task/*/schedstat); how it divides is what the kernel samples at its ticks (/proc/PID/stat).
    cpu_time cpu() const;

private:
    std::string name_;
    std::uint16_t port_;
    pid_t pid_ = -1;
    std::string log_;
};

}  // namespace numasio::bench
