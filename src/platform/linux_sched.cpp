// The scheduler calls: a thread's CPUs, its priority, its name.
#include "src/platform/linux_sched.hpp"

#include "src/platform/bit_mask.hpp"
#include "src/platform/errno_code.hpp"
#include "src/platform/id_list.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace numasio::platform {
namespace {

// No kernel has more CPUs; a larger number is a mistake and must not become a mask of half a gigabyte.
constexpr std::uint32_t cpu_limit = 1U << 20;

}  // namespace

kernel_thread this_thread() noexcept { return {static_cast<std::int32_t>(::syscall(SYS_gettid))}; }

// The raw calls, because cpu_set_t ends at CPU 1023 and hwloc's binding answers success for CPUs that do not exist.
error_code set_affinity(std::span<const cpu_id> cpus, kernel_thread thread) {
    if (cpus.empty()) { return errno_code(EINVAL); }
    const cpu_id last = *std::max_element(cpus.begin(), cpus.end());
    if (last.value >= cpu_limit) { return errno_code(EINVAL); }
    bit_mask mask(last.value + 1);
    for (const cpu_id cpu : cpus) { mask.set(cpu.value); }
    if (::syscall(SYS_sched_setaffinity, thread.number, mask.size_bytes(), mask.data()) != 0) { return last_error(); }
    return {};
}

error_code get_affinity(std::vector<cpu_id>& cpus, kernel_thread thread) {
    // EINVAL: the mask is shorter than the kernel's; how long that is, no call tells.
    for (std::size_t bits = 1024; bits <= cpu_limit; bits *= 2) {
        bit_mask mask(bits);
        if (::syscall(SYS_sched_getaffinity, thread.number, mask.size_bytes(), mask.data()) > 0) {
            cpus = mask.ids<cpu_id>();
            return {};
        }
        if (errno != EINVAL) { return last_error(); }
    }
    return errno_code(EINVAL);
}

std::optional<bool> is_pinned_to(std::span<const cpu_id> cpus, kernel_thread thread) noexcept {
    // Four times the CPUs of the largest kernel that distributions build.
    constexpr std::size_t words = 32768 / bit_mask::word_bits;
    std::array<bit_mask::word, words> wanted{};
    for (const cpu_id cpu : cpus) {
        if (cpu.value / bit_mask::word_bits >= words) { return false; }
        wanted[cpu.value / bit_mask::word_bits] |= bit_mask::word{1} << (cpu.value % bit_mask::word_bits);
    }
    std::array<bit_mask::word, words> mask{};
    if (::syscall(SYS_sched_getaffinity, thread.number, sizeof mask, mask.data()) < 0) { return std::nullopt; }
    return mask == wanted;
}

bool is_online(cpu_id cpu) {
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu.value) + "/online");
    char online = '1';
    in >> online;
    return online == '1';
}

std::optional<cpu_id> running_on() noexcept {
    const int cpu = ::sched_getcpu();
    if (cpu < 0) { return std::nullopt; }
    return cpu_id{static_cast<std::uint32_t>(cpu)};
}

error_code set_fifo(int priority) noexcept {
    ::sched_param asked{};
    asked.sched_priority = priority;
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &asked) != 0) { return last_error(); }
    return {};
}

error_code set_ordinary() noexcept {
    const ::sched_param none{};
    if (::sched_setscheduler(0, SCHED_OTHER, &none) != 0) { return last_error(); }
    return {};
}

error_code get_fifo(int& priority) noexcept {
    const int policy = ::sched_getscheduler(0);
    ::sched_param now{};
    if (policy < 0 || ::sched_getparam(0, &now) != 0) { return last_error(); }
    priority = (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO ? now.sched_priority : 0;
    return {};
}

error_code set_thread_name(std::string_view name) noexcept {
    std::array<char, 16> cut{};  // the kernel's limit, with the terminating zero
    std::copy_n(name.begin(), std::min(name.size(), cut.size() - 1), cut.begin());
    return errno_code(::pthread_setname_np(::pthread_self(), cut.data()));
}

bool sysfs_shows_cpus() noexcept { return ::access("/sys/devices/system/cpu/online", R_OK) == 0; }

std::optional<std::vector<cpu_id>> online_cpus() { return read_list<cpu_id>("/sys/devices/system/cpu/online"); }

std::optional<std::vector<node_id>> nodes_with_memory() { return read_list<node_id>("/sys/devices/system/node/has_memory"); }

std::optional<std::vector<cpu_id>> affinity_with_offline() {
    std::ifstream status("/proc/thread-self/status");
    const std::string key = "Cpus_allowed_list:";
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, key.size(), key) == 0) { return parse_list<cpu_id>(line.substr(key.size())); }
    }
    return std::nullopt;
}

}  // namespace numasio::platform
