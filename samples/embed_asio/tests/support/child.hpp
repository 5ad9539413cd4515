// Runs the two programs for tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace embed::test {

/// A child process; its output goes to a file. Killed at the latest with this object.
class child {
public:
    explicit child(std::vector<std::string> command);
    ~child();
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    std::string output() const;
    /// The first line that contains `text`; "" after `patience`, or when the program ended without it.
    std::string wait_for(const std::string& text, std::chrono::seconds patience = std::chrono::seconds(20));
    void signal(int number) const;
    /// Exit status; 128 + number after a signal; -1 if it does not end in time.
    int wait(std::chrono::seconds patience = std::chrono::seconds(20));
    const std::filesystem::path& folder() const { return folder_; }

private:
    std::filesystem::path folder_;
    pid_t id_ = -1;
    int status_ = -1;
    bool ended_ = false;
};

enum class version { before, after };
void PrintTo(version which, std::ostream* out);  // for GoogleTest

struct plan_options {
    std::uint32_t capacity = 256;
    std::uint32_t most_workers = 64;  ///< there are no more than CPUs
};
/// A plan in YAML, with a worker on each CPU that this process may use.
std::string plan_text(const plan_options& options);

/// One of the two services on a free port, ready.
class service : public child {
public:
    explicit service(version which, std::uint32_t threads = 4, const plan_options& plan = {});
    std::uint16_t port = 0;
};

}  // namespace embed::test
