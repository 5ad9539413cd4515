// The command line.
#pragma once

#include <cstdint>
#include <string>

namespace limits {

struct options {
    std::uint16_t port = 8080;  ///< 0: the system chooses
    std::uint32_t threads = 2;
    std::string plan;
    bool help = false;
};

/// `plan`: the file that --plan stands for where it is not given; a program without one has no such option.
/// Fails: throws std::runtime_error that says what is wrong and shows the usage.
options read_options(int argc, char** argv, const std::string& plan = {});

/// What --help prints.
std::string usage(const options& read);

}  // namespace limits
