// What an edge-triggered epoll instance says, in plain values.
#include "src/platform/edge_set.hpp"

#include "src/platform/descriptor.hpp"
#include "src/platform/errno_code.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/epoll.h>

namespace numasio::platform {
namespace {

class epoll_set final : public edge_set {
public:
    explicit epoll_set(platform::descriptor made) noexcept : set_(std::move(made)) {}

    int descriptor() const noexcept override { return set_.number(); }
    error_code watch(int socket, std::uint64_t id) noexcept override {
        epoll_event what{};
        what.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
        what.data.u64 = id;
        return ::epoll_ctl(set_.number(), EPOLL_CTL_ADD, socket, &what) == 0 ? error_code() : last_error();
    }
    bool forget(int socket) noexcept override {
        epoll_event ignored{};
        return ::epoll_ctl(set_.number(), EPOLL_CTL_DEL, socket, &ignored) == 0;
    }
    std::size_t take(std::span<edge> to) noexcept override {
        std::array<epoll_event, 64> found;
        const int n = ::epoll_wait(set_.number(), found.data(), static_cast<int>(std::min(found.size(), to.size())), 0);
        const auto count = static_cast<std::size_t>(std::max(n, 0));
        for (std::size_t i = 0; i < count; ++i) { to[i] = {found[i].data.u64, (found[i].events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0}; }
        return count;
    }

private:
    platform::descriptor set_;
};

}  // namespace

std::unique_ptr<edge_set> make_epoll_set(error_code& ec) {
    descriptor made(::epoll_create1(EPOLL_CLOEXEC));
    ec = made.is_open() ? error_code() : last_error();
    return made.is_open() ? std::make_unique<epoll_set>(std::move(made)) : nullptr;
}

#ifndef NUMASIO_IO_URING
std::unique_ptr<edge_set> make_uring_set(bool, error_code& ec) {
    ec = boost::system::errc::make_error_code(boost::system::errc::function_not_supported);
    return nullptr;
}
#endif

}  // namespace numasio::platform
