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
#include <string>

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

std::span<std::byte> map_pages(std::size_t size, std::size_t huge) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (huge != 0) { flags |= MAP_HUGETLB | std::countr_zero(huge) << MAP_HUGE_SHIFT; }
    void* const start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (start == MAP_FAILED) {
        throw boost::system::system_error(last_error(), "mmap of " + std::to_string(size) + " bytes");
    }
    return {static_cast<std::byte*>(start), size};
}

void unmap_pages(std::span<std::byte> pages) noexcept {
    if (!pages.empty()) { ::munmap(pages.data(), pages.size()); }
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

}  // namespace numasio::platform
