// Looks for system headers, system calls and processor-specific words in the code.
#include "platform_code.hpp"

#include <regex>

namespace numasio::rules {
namespace {

bool portable(const source_file& file) {
    if (!is_cpp(file.path) || starts_with(file.path, "src/platform/")) { return false; }
    if (starts_with(file.path, "tests/") || starts_with(file.path, "bench/")) { return false; }
    return !(starts_with(file.path, "samples/") && file.path.find("/tests/") != std::string::npos);
}

struct rule {
    std::regex pattern;
    std::string what;
};

const std::vector<rule>& header_rules() {
    static const std::vector<rule> rules = [] {
        std::vector<rule> r;
        r.push_back({std::regex(R"(^\s*#\s*include\s*<((sys|linux|asm|bits|arpa|net|netinet)/.*|(sched|pthread|unistd|)"
                                R"(signal|poll|fcntl|dlfcn|dirent|errno|spawn|termios|time|syscall|numaif|liburing)\.h)>)"),
                     "system header"});
        r.push_back({std::regex(R"(^\s*#\s*include\s*<(\w*intrin|cpuid|arm_\w+|x86\w*)\.h>)"), "processor header"});
        return r;
    }();
    return rules;
}

const std::vector<rule>& code_rules() {
    static const std::vector<rule> rules = [] {
        std::vector<rule> r;
        // Called unqualified or from the global namespace; platform::mbind() is our own.
        r.push_back({std::regex(R"((?:^|[^\w:.>]|[^\w>]::)(syscall|mmap|munmap|madvise|mlock\w*|mbind|move_pages|migrate_pages|)"
                                R"([gs]et_mempolicy|sched_\w+|pthread_\w+|prctl|eventfd\w*|epoll_\w+|io_uring_\w+|)"
                                R"(getcpu|membarrier|sysconf|sigaction|fork|numa_(?!balancing\b)\w+)\s*\()"),
                     "system call"});
        r.push_back({std::regex(R"(\b(__x86_64__|__i386__|__aarch64__|__arm__|__amd64__|__linux__|__ARM_\w+|__SSE\w*__|)"
                                R"(__AVX\w*__|__asm__|__asm|asm|__rdtscp?|_mm\d*_\w+|__builtin_ia32_\w+)\b)"),
                     "processor-specific code"});
        return r;
    }();
    return rules;
}

void look(const source_file& file, std::string_view text, const std::vector<rule>& rules,
          std::vector<violation>& found) {
    int number = 0;
    for (const auto line : lines_of(text)) {
        ++number;
        for (const auto& r : rules) {
            std::match_results<std::string_view::const_iterator> match;
            if (!std::regex_search(line.begin(), line.end(), match, r.pattern)) { continue; }
            found.push_back({file.path, number, r.what + " outside src/platform: " + match[1].str()});
        }
    }
}

}  // namespace

std::vector<violation> misplaced_platform_code(const tree& files) {
    std::vector<violation> found;
    for (const auto& file : files) {
        if (!portable(file)) { continue; }
        look(file, without_comments(file.text), header_rules(), found);
        look(file, code_only(file.text), code_rules(), found);
    }
    return found;
}

}  // namespace numasio::rules
