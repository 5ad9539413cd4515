// An epoll instance in Asio's epoll instance.
#include "server/readable_set.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace kv {

using boost::system::error_code;

namespace {

error_code last_error() { return {errno, boost::system::system_category()}; }

int new_epoll() {
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made < 0) { throw boost::system::system_error(last_error(), "epoll_create1"); }
    return made;
}

}  // namespace

readable_set::readable_set(const boost::asio::any_io_executor& executor, told on_readable) : set_(executor, new_epoll()), on_readable_(std::move(on_readable)) {}

error_code readable_set::add(int socket, std::uint64_t id) {
    epoll_event what{};
    what.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    what.data.u64 = id;
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, socket, &what) != 0) { return last_error(); }
    ++members_;
    await();
    return {};
}

void readable_set::remove() {
    if (--members_ == 0) { set_.cancel(); }
}

void readable_set::tell_again(std::uint64_t id) {
    if (again_.empty()) {
        boost::asio::post(set_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) { return; }
            telling_.swap(again_);
            for (const auto one : telling_) { on_readable_(one, false); }
            telling_.clear();
        });
    }
    again_.push_back(id);
}

void readable_set::await() {
    if (members_ == 0 || std::exchange(waiting_, true)) { return; }
    set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this, alive = std::weak_ptr(alive_)](error_code ec) {
        if (alive.expired()) { return; }
        waiting_ = false;
        if (!ec) { look(); }
        await();
    });
}

/// More has come, often, while what there was is served: then that takes one system call, and not a wait.
void readable_set::look() {
    std::array<epoll_event, 64> found;  // as many are told before others of the thread have their turn, about
    for (std::size_t seen = 0; seen < found.size();) {
        const int n = ::epoll_wait(set_.native_handle(), found.data(), static_cast<int>(found.size()), 0);
        for (int i = 0; i < n; ++i, ++seen) {
            const auto& one = found[static_cast<std::size_t>(i)];
            on_readable_(one.data.u64, (one.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
        }
        if (n <= 0) { return; }
    }
}

}  // namespace kv
