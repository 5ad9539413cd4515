// Reads the tree and blanks comments, raw strings and literals with a small hand-written scanner.
#include "source_text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>

namespace numasio::rules {
namespace {

namespace fs = std::filesystem;

constexpr std::array house = {"include", "src", "control_plane", "hot_path", "tests", "bench", "samples", "cmake"};

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) { throw std::runtime_error("cannot read " + file.string()); }
    return {std::istreambuf_iterator<char>(in), {}};
}

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

class scanner {
public:
    scanner(std::string_view text, bool blank_literals)
        : in_(text), out_(text), blank_literals_(blank_literals) {}

    std::string run() {
        while (at_ < in_.size()) {
            if (ahead("//")) {
                blank_to(line_end());
            } else if (ahead("/*")) {
                blank_to(after("*/", at_ + 2));
            } else if (raw_string()) {
                const auto open = in_.find('(', at_);
                const std::string close = ")" + std::string(in_.substr(at_ + 2, open - at_ - 2)) + "\"";
                blank_to(after(close, open));
            } else if (in_[at_] == '"' || (in_[at_] == '\'' && (at_ == 0 || !is_name(in_[at_ - 1])))) {
                literal(in_[at_]);
            } else {
                ++at_;
            }
        }
        return std::move(out_);
    }

private:
    bool ahead(std::string_view what) const { return in_.substr(at_, what.size()) == what; }
    bool raw_string() const {
        return ahead("R\"") && (at_ == 0 || !is_name(in_[at_ - 1])) && in_.find('(', at_) != std::string_view::npos;
    }
    std::size_t after(std::string_view what, std::size_t from) const {
        const auto found = in_.find(what, from);
        return found == std::string_view::npos ? in_.size() : found + what.size();
    }
    std::size_t line_end() const {
        auto end = in_.find('\n', at_);
        while (end != std::string_view::npos && end > 0 && in_[end - 1] == '\\') { end = in_.find('\n', end + 1); }
        return std::min(end, in_.size());
    }
    void blank_to(std::size_t end) {
        for (; at_ < end; ++at_) {
            if (in_[at_] != '\n') { out_[at_] = ' '; }
        }
    }
    void literal(char quote) {
        std::size_t end = at_ + 1;
        while (end < in_.size() && in_[end] != quote && in_[end] != '\n') { end += in_[end] == '\\' ? 2 : 1; }
        end = std::min(end + 1, in_.size());
        if (blank_literals_) {
            blank_to(end);
        } else {
            at_ = end;
        }
    }

    std::string_view in_;
    std::string out_;
    bool blank_literals_;
    std::size_t at_ = 0;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const violation& v) {
    return out << v.file << ':' << v.line << ": " << v.what;
}

bool starts_with(std::string_view path, std::string_view prefix) { return path.substr(0, prefix.size()) == prefix; }

bool is_cpp(std::string_view path) {
    if (path.ends_with(".in")) { path.remove_suffix(3); }  // what CMake makes a source of
    const auto dot = path.rfind('.');
    const std::string_view end = dot == std::string_view::npos ? "" : path.substr(dot);
    return end == ".hpp" || end == ".cpp" || end == ".h" || end == ".ipp" || end == ".cc";
}

tree read_tree(const fs::path& root) {
    static constexpr std::array kinds = {".hpp", ".cpp", ".h", ".ipp", ".cc", ".cmake", ".in", ".sh", ".txt"};
    tree files;
    for (const auto* folder : house) {
        if (!fs::is_directory(root / folder)) { continue; }
        for (auto it = fs::recursive_directory_iterator(root / folder); it != fs::recursive_directory_iterator(); ++it) {
            const auto name = it->path().filename();
            if (it->is_directory() && (name == "build" || name == "results" || name == "corpus")) {
                it.disable_recursion_pending();
            }
            const auto kind = it->path().extension().string();
            const bool ours = std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
            if (!it->is_regular_file() || !ours || (kind == ".txt" && name != "CMakeLists.txt")) { continue; }
            files.push_back({it->path().lexically_relative(root).generic_string(), read(it->path())});
        }
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
}

std::string without_comments(std::string_view text) { return scanner(text, false).run(); }
std::string code_only(std::string_view text) { return scanner(text, true).run(); }

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) { break; }
        text.remove_prefix(end + 1);
    }
    return lines;
}

}  // namespace numasio::rules
