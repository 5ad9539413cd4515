// Children are started by posix_spawn and found ready by connecting to them.
#include "bench/kv/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace numasio::bench {
namespace {

using namespace std::chrono_literals;

bool accepts(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool good = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    close(fd);
    return good;
}

std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

server_process::server_process(std::string name, std::vector<std::string> command, std::uint16_t port,
                               std::vector<std::string> environment)
    : name_(std::move(name)), port_(port), log_("/tmp/numasio-bench-" + std::to_string(port) + ".log") {
    if (accepts(port)) { throw std::runtime_error("port " + std::to_string(port) + " is already in use"); }
    std::vector<char*> arguments;
    for (auto& a : command) { arguments.push_back(a.data()); }
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (char** e = environ; *e != nullptr; ++e) { variables.push_back(*e); }
    for (auto& e : environment) { variables.push_back(e.data()); }
    variables.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    const int failed = posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), variables.data());
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) { throw std::runtime_error("cannot start " + command[0]); }

    for (int tries = 0; tries < 1200; ++tries) {  // a minute: under valgrind a start takes long
        if (accepts(port)) { return; }
        if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            break;
        }
        std::this_thread::sleep_for(50ms);
    }
    throw std::runtime_error(name_ + " did not start: " + text_of(log_));
}

server_process::~server_process() {
    if (pid_ <= 0) { return; }
    kill(pid_, SIGTERM);
    for (int tries = 0; tries < 500; ++tries) {
        if (waitpid(pid_, nullptr, WNOHANG) == pid_) { return; }
        std::this_thread::sleep_for(10ms);
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

server_process::cpu_time server_process::cpu() const {
    double nanoseconds = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
        double of_thread = 0;
        std::istringstream(text_of((thread.path() / "schedstat").string())) >> of_thread;
        nanoseconds += of_thread;
    }
    const auto stat = text_of("/proc/" + std::to_string(pid_) + "/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) { fields >> skipped; }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return {nanoseconds / 1e9, user, system};
}

}  // namespace numasio::bench
