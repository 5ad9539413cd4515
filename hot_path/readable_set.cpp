// An epoll instance in Asio's epoll instance.
#include <numasio/readable_set.hpp>

#include "src/platform/edge_set.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <utility>

namespace numasio {
namespace {

int new_edge_set() {
    error_code ec;
    auto made = platform::make_edge_set(ec);
    if (ec) { throw boost::system::system_error(ec, "an epoll instance for a readable_set"); }
    return made.release();
}

}  // namespace

readable_set::readable_set(const boost::asio::any_io_executor& executor, told on_readable) : set_(executor, new_edge_set()), on_readable_(std::move(on_readable)) {}

error_code readable_set::add(int socket, std::uint64_t id) {
    if (const auto ec = platform::watch(set_.native_handle(), socket, id)) { return ec; }
    ++members_;
    await();
    return {};
}

void readable_set::remove() {
    if (--members_ == 0) { set_.cancel(); }
}

void readable_set::tell_again(std::uint64_t id) {
    again_.push_back(id);
    if (again_.size() != 1) { return; }
    boost::asio::post(set_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) { return; }
        telling_.swap(again_);
        for (const auto one : telling_) { on_readable_(one, false); }
        telling_.clear();
    });
}

void readable_set::await() {
    if (members_ == 0 || std::exchange(waiting_, true)) { return; }
    set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this, alive = std::weak_ptr(alive_)](const error_code& ec) {
        if (alive.expired()) { return; }
        waiting_ = false;
        if (!ec) { look(); }
        await();
    });
}

/// More has come, often, while what there was is served: then that takes one system call, and not a wait.
void readable_set::look() {
    std::array<platform::edge, 64> found;  // about as many are told before others of the thread have their turn
    for (std::size_t seen = 0; seen < found.size();) {
        const auto n = platform::take_edges(set_.native_handle(), found);
        for (std::size_t i = 0; i < n; ++i, ++seen) { on_readable_(found[i].id, found[i].ends); }
        if (n == 0) { return; }
    }
}

}  // namespace numasio
