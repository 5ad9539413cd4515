// Runs programs for tests: numasio-kv itself, and a real redis-server to compare with.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kv::test {

/// A folder of its own, removed at the end.
class scratch_folder {
public:
    scratch_folder();
    ~scratch_folder();
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }
    /// Writes a file; returns its full name.
    std::string write(const std::string& name, const std::string& text) const;

private:
    std::filesystem::path path_;
};

/// A child process; its output goes to a file. Killed at the latest with this object.
class program {
public:
    explicit program(std::vector<std::string> arguments);
    ~program();
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    pid_t id() const noexcept { return id_; }
    std::string output() const;
    /// Waits until a line contains `text`; returns that line, or "" after `patience` or when the program ended.
    std::string wait_for(const std::string& text, std::chrono::seconds patience = std::chrono::seconds(20));
    void signal(int number) const;
    /// Exit status; 128 + number after a signal; -1 if it does not end in time.
    int wait(std::chrono::seconds patience = std::chrono::seconds(20));

    std::size_t resident_bytes() const;
    /// The most that it ever had, transient copies included.
    std::size_t peak_bytes() const;
    /// Processor time that it has used, in milliseconds.
    long cpu_ms() const;

private:
    scratch_folder folder_;
    pid_t id_ = -1;
    int status_ = -1;
    bool ended_ = false;
};

/// A plan as YAML: what differs from kv.yaml is said here.
struct plan_options {
    std::uint32_t workers = 1;
    std::string front = "lanes";
    std::uint32_t lane_capacity = 8192;
    std::string memory = "64MiB";
    std::string drain = "5s";
};
std::string plan_text(const plan_options& options);

/// CPUs that this process may use: as many workers can there be.
std::uint32_t usable_cpus();

/// numasio-kv on free ports, ready to serve.
class kv_program : public program {
public:
    /// `under`: a program that starts it and leaves it as our child, as "strace -D" does.
    explicit kv_program(const plan_options& options = {}, std::vector<std::string> under = {});
    std::uint16_t port = 0;
    std::uint16_t http_port = 0;

    /// The whole answer, head and body.
    std::string http_get(const std::string& path) const;
    /// The sum over all workers and lanes of a metric, read from /metrics.
    /// Throws where there is none and no `otherwise`.
    std::uint64_t metric(const std::string& name, std::optional<std::uint64_t> otherwise = {}) const;

private:
    kv_program(std::unique_ptr<scratch_folder> folder, const plan_options& options,
               std::vector<std::string> under);
    std::unique_ptr<scratch_folder> plan_folder_;
};

/// Debian's redis-server on a free port, configured as our limits are.
class redis_program : public program {
public:
    redis_program();
    std::uint16_t port = 0;

private:
    explicit redis_program(std::uint16_t free_port);
};

std::uint16_t free_port();

}  // namespace kv::test
