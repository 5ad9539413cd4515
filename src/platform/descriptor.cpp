// close, dup, eventfd.
#include "src/platform/descriptor.hpp"

#include "src/platform/errno_code.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace numasio::platform {
namespace {

descriptor made(int number, error_code& ec) noexcept {
    ec = number < 0 ? last_error() : error_code();
    return descriptor(number);
}

}  // namespace

descriptor::~descriptor() {
    if (number_ >= 0) { ::close(number_); }
}

descriptor descriptor::duplicate(error_code& ec) const noexcept { return made(::fcntl(number_, F_DUPFD_CLOEXEC, 0), ec); }

const char* remedy_of(const error_code& ec) noexcept {
    if (ec == boost::system::errc::too_many_files_open) { return "; raise the limit on open files (ulimit -n)"; }
    if (ec == boost::system::errc::too_many_files_open_in_system) { return "; raise the system's limit on open files (fs.file-max)"; }
    return "";
}

descriptor make_bell(error_code& ec) noexcept { return made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ec); }

void ring_bell(int bell) noexcept {
    const int before = errno;
    const std::uint64_t one = 1;
    // EAGAIN: the count is at its end, so it says "rung" as it is. An interrupted call is made again.
    while (::write(bell, &one, sizeof one) < 0 && errno == EINTR) {}
    errno = before;
}

}  // namespace numasio::platform
