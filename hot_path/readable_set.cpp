// An epoll instance in Asio's epoll instance.
#include <numasio/readable_set.hpp>

#include "src/platform/edge_set.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <span>
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
    if (members_ != 0 && --members_ == 0) { set_.cancel(); }
}

void readable_set::tell_again(std::uint64_t id) { tell_later({id, false}); }

void readable_set::tell_later(arrival one) {
    again_.push_back(one);
    if (posted_) { return; }
    boost::asio::post(set_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) { return; }
        posted_ = false;
        const auto now = std::exchange(again_, {});
        tell_all(std::span(now));
    });
    posted_ = true;
}

/// What the kernel has handed over it does not hand over again: behind one whose telling throws the rest is told a turn later.
template <class Arrived>
void readable_set::tell_all(std::span<Arrived> arrived) {
    for (std::size_t i = 0; i < arrived.size(); ++i) {
        try {
            on_readable_(arrived[i].id, arrived[i].ends);
        } catch (...) {
            for (const auto& left : arrived.subspan(i + 1)) { tell_later({left.id, left.ends}); }
            throw;
        }
    }
}

void readable_set::await() {
    if (members_ == 0 || std::exchange(waiting_, true)) { return; }
    set_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this, alive = std::weak_ptr(alive_)](const error_code& ec) {
        if (alive.expired()) { return; }
        waiting_ = false;
        try {
            if (!ec) { look(); }
        } catch (...) {
            await();
            throw;
        }
        await();
    });
}

/// More has come, often, while what there was is served: then that takes one system call, and not a wait.
void readable_set::look() {
    std::array<platform::edge, 64> found;  // about as many are told before others of the thread have their turn
    for (std::size_t seen = 0; seen < found.size();) {
        const auto n = platform::take_edges(set_.native_handle(), found);
        if (n == 0) { return; }
        seen += n;
        tell_all(std::span(found).first(n));
    }
}

}  // namespace numasio
