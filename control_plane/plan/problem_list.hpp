// Collects what is wrong with a plan file, place by place, up to a bound.
#pragma once

#include "control_plane/bridge/value_text.hpp"

#include <numasio/plan_error.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace numasio::detail {

/// A problem without its place and key.
struct complaint {
    std::string what;
    std::string expected;
    std::string suggestion;
};

/// Lines and columns (in bytes) count from 1.
struct text_place {
    int line = 1;
    int column = 1;
};

/// Problems of one file. Keeps the first `most` and counts the rest, so that a hostile file cannot make
/// the report larger than itself.
class problem_list {
public:
    static constexpr std::size_t most = 100;

    explicit problem_list(std::string file) : file_(std::move(file)) {}

    void add(text_place at, std::string key, complaint problem);
    bool empty() const noexcept { return problems_.empty(); }
    /// True where a further problem is only counted: its text need not be made.
    bool full() const noexcept { return problems_.size() == most; }
    plan_mark mark(text_place at) const { return {file_, at.line, at.column}; }

    /// Throws plan_error with all problems in the order of the file; returns where there is none.
    void throw_if_any() &&;

private:
    std::string file_;
    std::vector<plan_problem> problems_;
    std::size_t left_out_ = 0;
};

}  // namespace numasio::detail
