// Asks diff for the lines, and cuts the sources at their headings.
#include "support/difference.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace embed::test {
namespace {

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    if (!pipe) { throw std::runtime_error("cannot run " + command); }
    std::string out;
    std::array<char, 4096> piece;
    while (const auto n = std::fread(piece.data(), 1, piece.size(), pipe.get())) { out.append(piece.data(), n); }
    return out;
}

/// From the heading "// --- the NAME" to the next.
std::string section(const std::string& source, const std::string& name) {
    const auto from = source.find("// --- the " + name);
    if (from == source.npos) { throw std::runtime_error("no heading \"the " + name + "\""); }
    return source.substr(from, source.find("// --- the ", from + 1) - from);
}

std::string lines_that_stay(const std::string& source) {
    const auto about = {"io_context", "thread", "signal", "server", "route", "io.run"};
    std::istringstream lines(section(source, "program"));
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const bool stays = std::any_of(about.begin(), about.end(), [&](auto word) { return line.find(word) != line.npos; });
        if (stays) { out += line + "\n"; }
    }
    return out;
}

}  // namespace

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) { throw std::runtime_error("cannot read " + file.string()); }
    return {std::istreambuf_iterator<char>(in), {}};
}

difference compare(const std::filesystem::path& before, const std::filesystem::path& after) {
    difference out;
    std::istringstream lines(output_of("diff -U0 '" + before.string() + "' '" + after.string() + "'"));
    std::string line;
    for (int i = 0; i < 2; ++i) { std::getline(lines, line); }  // the names
    while (std::getline(lines, line)) {
        const bool place = line.starts_with("@@");
        out.lines += place ? 0 : 1;
        out.text += (place ? "@@" : line) + "\n";
    }
    const auto was = text_of(before), is = text_of(after);
    if (section(was, "handlers") != section(is, "handlers")) { out.touched.push_back("the handlers"); }
    if (lines_that_stay(was) != lines_that_stay(is)) { out.touched.push_back("io_context, threads, signals, routes or server"); }
    return out;
}

}  // namespace embed::test
