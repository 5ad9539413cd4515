// A process that may open few more files, and how often a text says the same.
#pragma once

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <string_view>

namespace numasio::test {

/// While it lives this process can open `more` files beside those that it has.
class few_descriptors {
public:
    explicit few_descriptors(unsigned more) {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        const int lowest = ::dup(0);
        ::close(lowest);
        const rlimit few{static_cast<rlim_t>(lowest) + more, before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    }
    ~few_descriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

private:
    rlimit before_{};
};

inline int times_in(std::string_view text, std::string_view part) {
    int n = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) { ++n; }
    return n;
}

}  // namespace numasio::test
