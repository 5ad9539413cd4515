// fork, exec, wait; and what /proc says about a child.
#include "support/program.hpp"

#include "support/wire.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace kv::test {

using namespace std::chrono_literals;

scratch_folder::scratch_folder() {
    auto name = (std::filesystem::temp_directory_path() / "kv-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) { throw std::runtime_error("no scratch folder: " + name); }
    path_ = name;
}
scratch_folder::~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}
std::string scratch_folder::write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
}

program::program(std::vector<std::string> arguments) {
    const auto log = (folder_.path() / "output").string();
    std::vector<char*> argv;
    for (auto& a : arguments) { argv.push_back(a.data()); }
    argv.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) { throw std::runtime_error("fork failed"); }
    if (id_ == 0) {
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
}

program::~program() {
    if (!ended_) {
        signal(SIGKILL);
        wait();
    }
}

std::string program::output() const {
    std::ifstream file(folder_.path() / "output");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string program::wait_for(const std::string& text, std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        std::istringstream lines(output());
        for (std::string line; std::getline(lines, line);) {
            if (line.find(text) != line.npos) { return line; }
        }
        if (ended_ || std::chrono::steady_clock::now() > until) { return {}; }
        wait(0s);
        std::this_thread::sleep_for(10ms);
    }
}

void program::signal(int number) const { ::kill(id_, number); }

int program::wait(std::chrono::seconds patience) {
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

std::size_t program::resident_bytes() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/statm");
    std::size_t total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t program::peak_bytes() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("VmHWM:", 0) == 0) { return std::stoul(line.substr(6)) * 1024; }
    }
    throw std::runtime_error("no VmHWM of process " + std::to_string(id_));
}

long program::cpu_ms() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string word;
    for (int i = 0; i < 11; ++i) { fields >> word; }  // state … cmajflt
    long user = 0, system = 0;
    fields >> user >> system;
    return (user + system) * 1000 / ::sysconf(_SC_CLK_TCK);
}

std::uint32_t usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof(set), &set) != 0) { return 1; }
    return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

std::string plan_text(const plan_options& options) {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof(set), &set);
    std::string cpus;
    std::uint32_t chosen = 0;
    for (unsigned cpu = CPU_SETSIZE; cpu-- > 0 && chosen < options.workers;) {
        if (!CPU_ISSET(cpu, &set)) { continue; }
        cpus += (cpus.empty() ? "" : ", ") + std::to_string(cpu);
        ++chosen;
    }
    return "version: 1\ncontrol: auto\ndrain: " + options.drain +
           "\npools:\n  kv:\n    cpus: [" + cpus + "]\n    front: " + options.front + "\n    memory: " + options.memory +
           "\n    lane: { capacity: " + std::to_string(options.lane_capacity) +
           ", producers: 1 }\n    idle: { strategy: park }\nlisteners:\n  kv: 127.0.0.1:0\n  http: 127.0.0.1:0\n";
}

kv_program::kv_program(const plan_options& options, std::vector<std::string> under)
    : kv_program(std::make_unique<scratch_folder>(), options, std::move(under)) {}

namespace {
std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& then) {
    first.insert(first.end(), then.begin(), then.end());
    return first;
}
}  // namespace

kv_program::kv_program(std::unique_ptr<scratch_folder> folder, const plan_options& options,
                       std::vector<std::string> under)
    : program(with(std::move(under), {KV_PROGRAM, "--plan", folder->write("plan.yaml", plan_text(options))})),
      plan_folder_(std::move(folder)) {
    const auto last_number = [](const std::string& line, const std::string& before) {
        return static_cast<std::uint16_t>(std::stoul(line.substr(line.find(before) + before.size())));
    };
    if (wait_for("try ").empty()) { throw std::runtime_error("numasio-kv did not start:\n" + output()); }
    port = last_number(wait_for("listening"), "127.0.0.1:");
    http_port = last_number(wait_for("metrics "), "127.0.0.1:");
}

std::string kv_program::http_get(const std::string& path) const {
    wire http(http_port);
    http.send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(http_port) + "\r\nConnection: close\r\n\r\n");
    return http.read_all();
}

std::uint64_t kv_program::metric(const std::string& name, std::optional<std::uint64_t> otherwise) const {
    std::istringstream lines(http_get("/metrics"));
    double sum = 0;
    bool found = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(name + "{", 0) != 0 && line.rfind(name + " ", 0) != 0) { continue; }
        sum += std::stod(line.substr(line.rfind(' ') + 1));
        found = true;
    }
    if (!found && otherwise) { return *otherwise; }
    if (!found) { throw std::runtime_error("no metric " + name); }
    return static_cast<std::uint64_t>(sum);
}

redis_program::redis_program() : redis_program(free_port()) {}

redis_program::redis_program(std::uint16_t free_port)
    : program({"redis-server", "--port", std::to_string(free_port), "--bind", "127.0.0.1", "--save", "",
               "--appendonly", "no", "--databases", "1", "--proto-max-bulk-len", "16777216"}),
      port(free_port) {
    if (wait_for("Ready to accept connections").empty()) {
        throw std::runtime_error("redis-server did not start (is the package redis-server installed?):\n" + output());
    }
}

}  // namespace kv::test
