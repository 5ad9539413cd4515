// fork, exec, wait.
#include "support/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace embed::test {
namespace {

using namespace std::chrono_literals;

std::filesystem::path new_folder() {
    auto name = (std::filesystem::temp_directory_path() / "embed-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) { throw std::runtime_error("no scratch folder: " + name); }
    return name;
}

/// The plan's file is in a folder that lives as long as the test program: children read it while they start.
std::vector<std::string> command_of(version which, std::uint32_t threads, const plan_options& plan) {
    std::vector<std::string> out{which == version::before ? EMBED_BEFORE : EMBED_AFTER, "--port=0",
                                 "--threads=" + std::to_string(threads)};
    if (which == version::before) { return out; }
    static const struct folder {
        std::filesystem::path path = new_folder();
        ~folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    } plans;
    static int made = 0;
    const auto file = plans.path / ("plan" + std::to_string(made++) + ".yaml");
    std::ofstream(file) << plan_text(plan);
    out.push_back("--plan=" + file.string());
    return out;
}

}  // namespace

child::child(std::vector<std::string> command) : folder_(new_folder()) {
    const auto log = (folder_ / "output").string();
    std::vector<char*> argv;
    for (auto& word : command) { argv.push_back(word.data()); }
    argv.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) { throw std::runtime_error("fork failed"); }
    if (id_ == 0) {
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
}

child::~child() {
    if (!ended_) {
        signal(SIGKILL);
        wait();
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string child::output() const {
    std::ifstream file(folder_ / "output");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string child::wait_for(const std::string& text, std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const bool last = ended_ || std::chrono::steady_clock::now() > until;
        std::istringstream lines(output());
        for (std::string line; std::getline(lines, line) && !lines.eof();) {  // whole lines only
            if (line.find(text) != line.npos) { return line; }
        }
        if (last) { return {}; }
        wait(0s);
        std::this_thread::sleep_for(10ms);
    }
}

void child::signal(int number) const { ::kill(id_, number); }

int child::wait(std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!ended_) {
        int raw = 0;
        if (::waitpid(id_, &raw, WNOHANG) == id_) {
            ended_ = true;
            status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        } else if (std::chrono::steady_clock::now() >= until) {
            return -1;
        } else {
            std::this_thread::sleep_for(5ms);
        }
    }
    return status_;
}

void PrintTo(version which, std::ostream* out) { *out << (which == version::before ? "before" : "after"); }

std::string plan_text(const plan_options& options) {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof(set), &set);
    std::string cpus;
    std::uint32_t chosen = 0;
    for (std::size_t cpu = CPU_SETSIZE; cpu-- > 0 && chosen < options.most_workers;) {
        if (!CPU_ISSET(cpu, &set)) { continue; }
        cpus += (cpus.empty() ? "" : ", ") + std::to_string(cpu);
        ++chosen;
    }
    return "version: 1\npools:\n  limits:\n    cpus: [" + cpus + "]\n    memory: 1MiB\n    lane: {capacity: " +
           std::to_string(options.capacity) + ", producers: 16}\n    idle: park\n";
}

service::service(version which, std::uint32_t threads, const plan_options& plan) : child(command_of(which, threads, plan)) {
    const auto line = wait_for("listening on ");
    if (line.empty()) { throw std::runtime_error("it did not start:\n" + output()); }
    port = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
}

}  // namespace embed::test
