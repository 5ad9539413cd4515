// The calls that map, advise, lock, touch and find pages.
#include "src/platform/linux_memory.hpp"

#include "src/platform/errno_code.hpp"

#include <boost/system/system_error.hpp>
#include <fcntl.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries lack the name
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

namespace numasio::platform {

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

namespace {

std::byte* map_or_throw(std::size_t size, int protection, int flags) {
    void* const start = ::mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (start == MAP_FAILED) {
        const error_code refused = last_error();
        throw boost::system::system_error(refused, "mmap of " + std::to_string(size) + " bytes" +
                                                       (refused.value() == ENOMEM ? ": the limit of address space (ulimit -v), or of mappings (vm.max_map_count)" : ""));
    }
    return static_cast<std::byte*>(start);
}

// A guard page on each side: mappings that touch each other become one, and before ours is bound a neighbour's fault may
// then bring a transparent huge page, from the neighbour's node, that reaches into it.
std::span<std::byte> map_guarded(std::size_t size) {
    constexpr std::size_t transparent = std::size_t{2} << 20;  // starts where the kernel's huge pages can
    const std::size_t guard = page_size();
    const std::size_t slack = size < transparent ? 0 : transparent;
    const std::size_t whole = size + slack + 2 * guard;
    if (size == 0) { throw boost::system::system_error(errno_code(EINVAL), "mmap of 0 bytes"); }
    if (whole < size) { throw boost::system::system_error(errno_code(ENOMEM), "more than an address space"); }
    std::byte* const start = map_or_throw(whole, PROT_NONE, 0);
    std::byte* data = start + guard;
    if (slack != 0) {
        data += (transparent - reinterpret_cast<std::uintptr_t>(data) % transparent) % transparent;
        const auto before = static_cast<std::size_t>(data - guard - start);
        if (before != 0) { ::munmap(start, before); }
        if (before != slack) { ::munmap(data + size + guard, slack - before); }
    }
    if (::mprotect(data, size, PROT_READ | PROT_WRITE) != 0) {
        const error_code refused = last_error();
        unmap_pages({data, size}, 0);
        throw boost::system::system_error(refused, "mprotect of " + std::to_string(size) + " bytes" +
                                                       (refused.value() == ENOMEM ? ": more than this machine commits to (vm.overcommit_memory), or the limit of mappings (vm.max_map_count)" : ""));
    }
    return {data, size};
}

}  // namespace

std::span<std::byte> map_pages(std::size_t size, std::size_t huge) {
    if (huge == 0) { return map_guarded(size); }
    return {map_or_throw(size, PROT_READ | PROT_WRITE, MAP_HUGETLB | std::countr_zero(huge) << MAP_HUGE_SHIFT), size};
}

void unmap_pages(std::span<std::byte> pages, std::size_t huge) noexcept {
    const std::size_t guard = huge == 0 ? page_size() : 0;
    if (!pages.empty()) { ::munmap(pages.data() - guard, pages.size() + 2 * guard); }
}

error_code advise_transparent(std::span<std::byte> pages, bool wanted) noexcept {
    const int advice = wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
    return ::madvise(pages.data(), pages.size(), advice) == 0 ? error_code{} : last_error();
}

error_code lock_pages(std::span<std::byte> pages) noexcept {
    return ::mlock2(pages.data(), pages.size(), MLOCK_ONFAULT) == 0 ? error_code{} : last_error();
}

error_code populate(std::span<std::byte> pages) noexcept {
    for (int tries = 1; ::madvise(pages.data(), pages.size(), MADV_POPULATE_WRITE) != 0; ++tries) {
        if ((errno != EINTR && errno != EAGAIN) || tries == 1000) { return last_error(); }
    }
    return {};
}

// The kernel copies the first byte out and back in: where it cannot, the call fails.
error_code touch_or_fail(std::byte& page) noexcept {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) { return last_error(); }
    error_code failed;
    if (::write(pipe[1], &page, 1) != 1 || ::read(pipe[0], &page, 1) != 1) { failed = last_error(); }
    ::close(pipe[0]);
    ::close(pipe[1]);
    return failed;
}

error_code locate_pages(std::span<void*> pages, std::span<int> status, int pid) noexcept {
    if (::move_pages(pid, pages.size(), pages.data(), nullptr, status.data(), 0) < 0) { return last_error(); }
    return {};
}

void move_pages_to(std::span<void*> pages, std::span<const int> nodes) {
    if (pages.empty()) { return; }  // which some kernels refuse
    std::vector<int> status(pages.size());
    ::move_pages(0, pages.size(), pages.data(), nodes.data(), status.data(), MPOL_MF_MOVE);
}

}  // namespace numasio::platform
