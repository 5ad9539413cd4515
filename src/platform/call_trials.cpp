// Makes the calls: memory policy and places of pages, huge pages, scheduling, and the kernel's newer services.
#include "src/platform/call_trials.hpp"

#include "src/platform/bit_mask.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/linux_sched.hpp"
#include "src/platform/memory_nodes.hpp"

#include <numasio/plan.hpp>

#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <numaif.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

namespace numasio::platform {
namespace {

constexpr std::size_t some_pages = 4;

trial failed(int error) { return {error, 0, false, {}}; }
trial failed(const error_code& error) { return failed(error.value()); }
trial lied(std::string text) { return {0, 0, true, std::move(text)}; }
trial done(std::string text = {}) { return {0, 0, false, std::move(text)}; }

std::span<std::byte> small_region() { return map_pages(some_pages * page_size()); }

/// The node of the first page; negative: errno.
int node_of(std::span<std::byte> pages) {
    std::array<void*, 1> page{pages.data()};
    std::array<int, 1> status{};
    if (const error_code refused = locate_pages(page, status)) { return -refused.value(); }
    return status[0];
}

void touch(std::span<std::byte> pages) noexcept {
    for (std::size_t at = 0; at < pages.size(); at += page_size()) {
        volatile std::byte& first = pages[at];
        first = std::byte{1};
    }
}

trial try_policy(memory_policy policy, std::span<const node_id> nodes) {
    const auto pages = small_region();
    if (const error_code refused = bind_pages(pages, nodes, policy)) { return failed(refused); }
    touch(pages);
    return done();
}

/// Lines "key: value" of /proc/self/status.
std::string status_line(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, key.size() + 2, key + ":\t") == 0) { return line.substr(key.size() + 2); }
    }
    return {};
}

}  // namespace

trial try_affinity(cpu_id cpu) {
    const std::array<cpu_id, 1> one{cpu};
    if (const error_code refused = set_affinity(one)) { return failed(refused); }
    std::vector<cpu_id> got;
    if (const error_code unread = get_affinity(got)) { return failed(unread); }
    return got == std::vector<cpu_id>{cpu} ? done() : lied("the mask read back is another one");
}

trial try_fifo() {
    if (const error_code refused = set_fifo(1)) { return failed(refused); }
    int priority = 0;
    if (const error_code unread = get_fifo(priority)) { return failed(unread); }
    return priority == 1 ? done() : lied("accepted, but the priority read back is not it");
}

trial try_bind(node_id node) {
    const auto pages = small_region();
    if (const error_code refused = bind_pages(pages, std::array{node}, memory_policy::bind)) { return failed(refused); }
    touch(pages);
    const int got = node_of(pages);
    // Where the kernel does not say, move_pages has a line of its own.
    return got < 0 || got == static_cast<int>(node.value) ? done() : lied("the page is on node " + std::to_string(got));
}

trial try_thread_policy(node_id node) {
    if (const error_code refused = set_thread_policy(node, memory_policy::preferred)) { return failed(refused); }
    return done();
}

trial try_allowed_nodes() {
    for (std::size_t bits = 1024; bits <= 32768; bits *= 2) {
        bit_mask mask(bits);
        if (::get_mempolicy(nullptr, mask.data(), mask.bits(), nullptr, MPOL_F_MEMS_ALLOWED) == 0) { return done(); }
        if (errno != EINVAL) { break; }
    }
    return failed(errno);
}

trial try_preferred_many(std::span<const node_id> nodes) { return try_policy(memory_policy::preferred_many, nodes); }
trial try_weighted_interleave(std::span<const node_id> nodes) { return try_policy(memory_policy::weighted_interleave, nodes); }

trial try_locate() {
    const auto pages = small_region();
    touch(pages);
    const int node = node_of(pages);
    return node < 0 ? failed(-node) : done();
}

trial try_move(node_id from, node_id to) {
    const auto pages = small_region();
    static_cast<void>(bind_pages(pages, std::array{from}, memory_policy::preferred));
    touch(pages);
    std::array<void*, 1> page{pages.data()};
    const std::array<int, 1> target{static_cast<int>(to.value)};
    std::array<int, 1> status{};
    if (::move_pages(0, 1, page.data(), target.data(), status.data(), MPOL_MF_MOVE) < 0) { return failed(errno); }
    if (status[0] < 0) { return failed(-status[0]); }
    return status[0] == target[0] ? done() : lied("the page is on node " + std::to_string(status[0]));
}

trial try_migrate(node_id from, node_id to) {
    bit_mask old_nodes(std::max(from, to).value + 1);
    bit_mask new_nodes = old_nodes;
    old_nodes.set(from.value);
    new_nodes.set(to.value);
    if (::migrate_pages(0, old_nodes.bits() + 1, old_nodes.data(), new_nodes.data()) < 0) { return failed(errno); }
    return done();
}

trial try_populate() {
    if (const error_code refused = populate(small_region())) { return failed(refused); }
    return done();
}

trial try_transparent_huge_pages() {
    const auto pages = map_pages(8 << 20);
    if (const error_code refused = advise_transparent(pages, true)) { return failed(refused); }
    std::ifstream enabled("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string mode;
    std::getline(enabled, mode);
    // The kernel takes the advice and never follows it.
    if (mode.find("[never]") != std::string::npos) { return lied("transparent_hugepage/enabled is \"never\""); }
    return done();
}

trial try_huge_page(bytes size) {
    int shift = 0;
    while ((std::uint64_t{1} << shift) < size.value) { ++shift; }
    void* const start = ::mmap(nullptr, size.value, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (shift << MAP_HUGE_SHIFT), -1, 0);
    if (start == MAP_FAILED) { return failed(errno); }
    *static_cast<volatile char*>(start) = 1;  // SIGBUS where the node has none: that is an answer, too
    return done();
}

trial try_lock(bytes size) {
    const auto pages = map_pages(size.value);
    // Raw: a sanitizer makes nothing of the library's own.
    if (::syscall(SYS_mlock, pages.data(), pages.size()) == 0) { return done(); }
    const int error = errno;
    ::rlimit limit{};
    trial result = failed(error);
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        result.text = "the limit is " + std::to_string(limit.rlim_cur >> 10) + " KiB";
    }
    return result;
}

trial try_membarrier() {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) { return failed(errno); }
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) { return failed(errno); }
    return done();
}

trial try_io_uring() {
    ::io_uring_params parameters{};
    return ::syscall(SYS_io_uring_setup, 4, &parameters) < 0 ? failed(errno) : done();
}

trial try_counters() {
    ::perf_event_attr wanted{};
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.size = sizeof wanted;
    wanted.config = PERF_COUNT_HW_CACHE_MISSES;
    wanted.disabled = 1;
    wanted.exclude_kernel = 1;
    wanted.exclude_hv = 1;
    return ::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, 0) < 0 ? failed(errno) : done();
}

trial try_cpuset() {
    const std::string cpus = status_line("Cpus_allowed_list");
    const std::string memory = status_line("Mems_allowed_list");
    if (cpus.empty() || memory.empty()) { return failed(ENOENT); }
    return done("CPUs " + cpus + ", nodes " + memory);
}

}  // namespace numasio::platform
