// What an edge-triggered epoll instance says, in plain values.
#include "src/platform/edge_set.hpp"

#include "src/platform/errno_code.hpp"

#include <algorithm>
#include <array>

#include <sys/epoll.h>

namespace numasio::platform {

descriptor make_edge_set(error_code& ec) noexcept {
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    ec = made < 0 ? last_error() : error_code();
    return descriptor(made);
}

error_code watch(int set, int socket, std::uint64_t id) noexcept {
    epoll_event what{};
    what.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
    what.data.u64 = id;
    return ::epoll_ctl(set, EPOLL_CTL_ADD, socket, &what) == 0 ? error_code() : last_error();
}

bool forget(int set, int socket) noexcept {
    epoll_event ignored{};
    return ::epoll_ctl(set, EPOLL_CTL_DEL, socket, &ignored) == 0;
}

std::size_t take_edges(int set, std::span<edge> to) noexcept {
    std::array<epoll_event, 64> found;
    const int n = ::epoll_wait(set, found.data(), static_cast<int>(std::min(found.size(), to.size())), 0);
    const auto count = static_cast<std::size_t>(std::max(n, 0));
    for (std::size_t i = 0; i < count; ++i) { to[i] = {found[i].data.u64, (found[i].events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0}; }
    return count;
}

}  // namespace numasio::platform
