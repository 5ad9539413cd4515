// Runs a real program, under strace's fault injection where asked, and reads the "key=value" lines that it prints.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>

namespace numasio::test {

using answers = std::map<std::string, std::string>;

inline answers parse(const std::string& text) {
    answers found;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos) { found[line.substr(0, equals)] = line.substr(equals + 1); }
        at = end + 1;
    }
    return found;
}

// Runs `command` and returns what it printed; a failure of the command is a failure of the test.
inline answers run(const std::string& command) {
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) {
        ADD_FAILURE() << "cannot run " << command;
        return {};
    }
    std::array<char, 4096> chunk{};
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
        text.append(chunk.data(), n);
    }
    const int status = ::pclose(pipe);
    EXPECT_EQ(status, 0) << command << "\nprinted:\n" << text
                         << "\n(this test needs Debian's strace and leave to ptrace)";
    return parse(text);
}

/// How a probe prints an error of the system.
inline std::string code(int value) { return "system:" + std::to_string(value); }

/// The command that runs `program` with every `call` answered by `error` ("EPERM", "EPERM:when=2+"); `only` narrows
/// the calls down.
inline std::string under_fault(const std::string& program, const std::string& call, const std::string& error,
                               const std::string& only = {}) {
    // LeakSanitizer cannot work under a tracer.
    return "ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null " + only + " -e 'trace=" + call + "' -e 'inject=" +
           call + ":error=" + error + "' " + program + " 2>&1";
}

}  // namespace numasio::test
