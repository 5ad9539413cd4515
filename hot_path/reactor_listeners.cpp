// Accepts on the worker or on the control plane, and hands sockets from one to the other.
#include "hot_path/reactor_listeners.hpp"

#include "hot_path/context_error.hpp"
#include "src/platform/socket_options.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace numasio::hot_path {
namespace {

constexpr auto after_failure = std::chrono::milliseconds(50);

std::string text_of(const tcp::endpoint& at) {
    std::ostringstream text;
    text << "listening at " << at;
    return std::move(text).str();
}

void must(const error_code& ec, const tcp::endpoint& at) {
    if (ec) { refuse_listening(ec, at); }
}

/// The context opens files of its own with the first object in it.
tcp::acceptor first_in(boost::asio::io_context& io, const tcp::endpoint& at) try {
    return tcp::acceptor(io);
} catch (const boost::system::system_error& e) {
    throw context_error(text_of(at), e);
}

tcp::acceptor bound(boost::asio::io_context& io, const tcp::endpoint& at, bool shared) {
    error_code ec;
    auto acceptor = first_in(io, at);
    acceptor.open(at.protocol(), ec);
    must(ec, at);
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    must(ec, at);
    if (shared) { must(platform::share_port(acceptor.native_handle()), at); }
    acceptor.bind(at, ec);
    must(ec, at);
    return acceptor;
}

void run_handler(detail::reactor_core& core, const connection_handler& handler, reactor_connection connection) noexcept {
    core.accepted.add();
    try {
        handler(std::move(connection));
    } catch (...) {
        core.note_failure(std::current_exception());
    }
}

/// The accept loop, wherever it runs. Threads: those of its executor, one at a time.
template <class Executor, class Derived>
class accept_loop : public detail::reactor_listener, public std::enable_shared_from_this<Derived> {
public:
    accept_loop(const Executor& executor, std::shared_ptr<const connection_handler> handler)
        : handler_(std::move(handler)), acceptor_(executor), again_(executor) {}

    void start(listening_socket socket) {
        acceptor_.assign(socket.what.endpoint.protocol(), socket.number.number());
        socket.number.release();
        accept();
    }

protected:
    void accept() {
        acceptor_.async_accept(acceptor_.get_executor(), peer_, [self = this->shared_from_this()](const error_code& ec, auto socket) {
            if (!self->acceptor_.is_open()) { return; }
            if (!ec) { self->take(std::move(socket), self->peer_); }
            else { self->count_failure(); }
            if (!ec || ec == boost::asio::error::connection_aborted) { return self->accept(); }
            // No descriptors, no memory: they come back, or do not, and the worker has other things to do meanwhile.
            self->again_.expires_after(after_failure);
            self->again_.async_wait([self](const error_code& cut) {
                if (!cut && self->acceptor_.is_open()) { self->accept(); }
            });
        });
    }
    void close_here() noexcept {
        error_code ignored;
        acceptor_.close(ignored);
        again_.cancel();
    }

    const std::shared_ptr<const connection_handler> handler_;

private:
    boost::asio::basic_socket_acceptor<tcp, Executor> acceptor_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor> again_;
    tcp::endpoint peer_;
};

class worker_listener final : public accept_loop<reactor_executor, worker_listener> {
public:
    worker_listener(detail::reactor_group& group, detail::reactor_core& core, std::shared_ptr<const connection_handler> handler)
        : accept_loop(reactor_executor(core), std::move(handler)), group_(group), core_(core) {}

    /// A benched worker's socket listens on: the kernel would reset what waits there if it were closed.
    void take(reactor_socket socket, const tcp::endpoint& peer) noexcept {
        if (core_.benched.load(std::memory_order_relaxed) && given(socket, peer)) { return; }
        if (socket.is_open()) { run_handler(core_, *handler_, {std::move(socket), peer, open_connection(core_)}); }
    }
    void count_failure() noexcept { core_.accept_failures.fetch_add(1, std::memory_order_relaxed); }
    void close() noexcept override { close_here(); }

private:
    /// False: nobody else has room for it; the socket is as it was, or closed and counted where the kernel does not take it back.
    bool given(reactor_socket& socket, const tcp::endpoint& peer) noexcept {
        error_code ec;
        platform::descriptor number(socket.release(ec));
        if (ec) { return false; }
        if (!give_connection(group_.least_loaded(), number.number(), peer, handler_)) {
            number.release();
            return true;
        }
        socket.assign(peer.protocol(), number.number(), ec);
        if (ec) { group_.turned_away.fetch_add(1, std::memory_order_relaxed); }
        else { number.release(); }
        return false;
    }

    detail::reactor_group& group_;
    detail::reactor_core& core_;
};

/// On a strand, so that closing does not meet accepting where several threads run the control plane.
using control_strand = boost::asio::strand<boost::asio::any_io_executor>;

class control_listener final : public accept_loop<control_strand, control_listener> {
public:
    control_listener(std::shared_ptr<detail::reactor_group> to, const control_strand& strand, std::shared_ptr<const connection_handler> handler,
                     std::function<reactor_executor(const tcp::endpoint&)> choose)
        : accept_loop(strand, std::move(handler)), strand_(strand), group_(std::move(to)), choose_(std::move(choose)) {}

    template <class Socket>
    void take(Socket socket, const tcp::endpoint& peer) noexcept {
        error_code ec;
        platform::descriptor number(socket.release(ec));
        if (ec) { return count_failure(); }
        if (given(number.number(), peer)) { number.release(); }
        else { group_->turned_away.fetch_add(1, std::memory_order_relaxed); }
    }
    void count_failure() noexcept { group_->accept_failures.fetch_add(1, std::memory_order_relaxed); }
    void close() noexcept override {
        try {
            boost::asio::post(strand_, [self = shared_from_this()] { self->close_here(); });
        } catch (...) {  // no memory: it is left open, and what comes is turned away by workers that have ended
        }
    }

private:
    bool given(int socket, const tcp::endpoint& peer) noexcept {
        try {
            return !give_connection(choose_ ? choose_(peer).core() : group_->least_loaded(), socket, peer, handler_);
        } catch (...) {  // by the chooser
            group_->note_failure(std::current_exception());
            return false;
        }
    }

    control_strand strand_;
    const std::shared_ptr<detail::reactor_group> group_;
    const std::function<reactor_executor(const tcp::endpoint&)> choose_;
};

/// A connection on its way to its worker.
struct parcel {
    parcel(detail::reactor_core& core, int socket, const tcp::endpoint& from, std::shared_ptr<const connection_handler> of)
        : to(core), number(socket), peer(from), handler(std::move(of)), open(core) {}

    detail::reactor_core& to;
    platform::descriptor number;
    tcp::endpoint peer;
    std::shared_ptr<const connection_handler> handler;
    open_connection open;
};

void unpack(parcel& arrived) {
    reactor_socket socket{reactor_executor(arrived.to)};
    socket.assign(arrived.peer.protocol(), arrived.number.number());
    arrived.number.release();
    run_handler(arrived.to, *arrived.handler, {std::move(socket), arrived.peer, std::move(arrived.open)});
}

template <class Function>
detail::pool_task* task_of(Function&& f) {
    return detail::make_task<std::decay_t<Function>>(std::forward<Function>(f), std::allocator<void>());
}

}  // namespace

void refuse_listening(const error_code& ec, const tcp::endpoint& at, const std::string& why) {
    throw boost::system::system_error(ec, text_of(at) + (why.empty() ? "" : ": " + why) + platform::remedy_of(ec));
}

listening_socket make_listening_socket(const tcp::endpoint& at, bool shared, std::optional<cpu_id> cpu) {
    boost::asio::io_context io;
    auto acceptor = bound(io, at, shared);
    listening_socket made;
    if (cpu) {
        const auto refused = platform::prefer_cpu(acceptor.native_handle(), *cpu);
        made.what.incoming_cpu = platform::preferred_cpu(acceptor.native_handle());
        if (refused) { made.what.why = "SO_INCOMING_CPU: " + refused.message(); }
        else if (made.what.incoming_cpu != cpu) { made.what.why = "SO_INCOMING_CPU was taken and reads back as another"; }
    }
    error_code ec;
    acceptor.listen(tcp::acceptor::max_listen_connections, ec);
    must(ec, at);
    made.what.endpoint = acceptor.local_endpoint(ec);
    must(ec, at);
    made.number = platform::descriptor(acceptor.release(ec));
    must(ec, at);
    return made;
}

tcp::endpoint free_endpoint(const tcp::endpoint& at) {
    boost::asio::io_context io;
    auto alone = bound(io, at, false);
    error_code ec;
    const auto found = alone.local_endpoint(ec);
    must(ec, at);
    return found;
}

void start_accepting(detail::reactor_group& group, detail::reactor_core& on, listening_socket socket, std::shared_ptr<const connection_handler> handler) {
    on.submit(task_of([&group, &on, socket = std::move(socket), handler = std::move(handler)]() mutable {
        if (on.is_ending()) { return; }
        auto listener = std::make_shared<worker_listener>(group, on, std::move(handler));
        on.listeners.push_back(listener);
        listener->start(std::move(socket));
    }), false);
}

void stop_accepting(detail::reactor_core& on) {
    on.submit(task_of([&on] {
        for (const auto& listener : on.listeners) { listener->close(); }
        on.listeners.clear();
    }), false);
}

std::shared_ptr<detail::reactor_listener> start_handing_over(std::shared_ptr<detail::reactor_group> to, const boost::asio::any_io_executor& control,
                                                             listening_socket socket, std::shared_ptr<const connection_handler> handler,
                                                             std::function<reactor_executor(const tcp::endpoint&)> choose) {
    const auto strand = boost::asio::make_strand(control);
    auto listener = std::make_shared<control_listener>(std::move(to), strand, std::move(handler), std::move(choose));
    boost::asio::post(strand, [listener, socket = std::move(socket)]() mutable { listener->start(std::move(socket)); });
    return listener;
}

error_code give_connection(detail::reactor_core& to, int socket, const tcp::endpoint& peer, std::shared_ptr<const connection_handler> handler) noexcept {
    try {
        const auto sent = std::make_shared<parcel>(to, -1, peer, std::move(handler));
        auto* const task = task_of([sent] { unpack(*sent); });
        sent->number = platform::descriptor(socket);
        const auto refused = to.offer(task, true);
        if (!refused) { return {}; }
        sent->number.release();
        task->kind->end(task, false);
        return refused;
    } catch (...) {
        return make_error_code(boost::system::errc::not_enough_memory);
    }
}

}  // namespace numasio::hot_path
