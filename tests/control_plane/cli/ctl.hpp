// Runs the real numasioctl and keeps what it wrote and how it ended.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace numasio::test {

/// A folder of this test's own that everybody may read, removed at the end.
class scratch {
public:
    scratch() {
        static int count = 0;
        path_ = std::filesystem::temp_directory_path() / ("numasioctl_test_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
        std::filesystem::create_directories(path_);
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        return file(name);
    }

private:
    std::filesystem::path path_;
};

inline std::string contents(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

struct ended {
    int status = -1;  ///< 128 + number after a signal
    std::string out;
    std::string err;

    boost::json::value json() const {
        boost::system::error_code wrong;
        auto value = boost::json::parse(out, wrong);
        EXPECT_FALSE(wrong) << wrong.message() << " in\n" << out;
        return value;
    }
};

/// numasioctl with `arguments` as a shell has them, behind `prefix` ("strace …").
inline ended ctl(const std::string& arguments, const std::string& prefix = {}, const std::string& program = NUMASIO_CTL) {
    const scratch folder;
    const std::string command = prefix + " '" + program + "' " + arguments + " > '" + folder.file("out") + "' 2> '" + folder.file("err") + "'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(folder.file("out")), contents(folder.file("err"))};
}

/// The prefix that refuses `call`: "EPERM", or "signal=SIGSYS" for a filter that kills.
inline std::string refusing(const std::string& call, const std::string& how) {
    const std::string fault = how.find('=') == std::string::npos ? "error=" + how : how;
    return "ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e 'trace=" + call + "' -e 'inject=" + call + ":" + fault + "'";
}

/// The most columns that a line of `text` takes.
inline std::size_t widest(const std::string& text) {
    std::size_t most = 0;
    std::size_t now = 0;
    for (const char c : text) {
        if (c == '\n') { now = 0; }
        else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) { most = std::max(most, ++now); }
    }
    return most;
}

}  // namespace numasio::test
