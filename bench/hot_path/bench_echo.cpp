// Echo of 64 bytes over loopback: a reactor worker beside a raw epoll loop and an io_context of its own on the same CPU, one client on another.
#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/reactor_pool.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace numasio;
using namespace numasio::bench;

constexpr std::size_t message = 64;
const tcp::endpoint any_port{asio::ip::address_v4::loopback(), 0};

/// What the calling thread has used, in user mode.
double user_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return static_cast<double>(used.ru_utime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec) * 1e-6;
}

struct server {
    virtual ~server() = default;
    virtual tcp::endpoint where() const = 0;
    virtual double used() = 0;  // by its thread
};

// --- raw epoll ----------------------------------------------------------------------------------------

class raw_server final : public server {
public:
    explicit raw_server(cpu_id cpu) : acceptor_(io_, any_port), thread_([this, cpu] { run(cpu); }) {}
    ~raw_server() override {
        end_ = true;
        wake();
        thread_.join();
    }
    tcp::endpoint where() const override { return acceptor_.local_endpoint(); }
    double used() override {
        asked_ = std::promise<double>();
        asks_ = true;
        wake();
        return asked_.get_future().get();
    }

private:
    void wake() const {
        const std::uint64_t one = 1;
        if (::write(bell_, &one, sizeof one) != sizeof one) { give_up(1, "eventfd"); }
    }
    void add(int socket) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
    }
    void run(cpu_id cpu) {
        pin(cpu);
        const int listening = acceptor_.native_handle();
        add(bell_);
        add(listening);
        std::vector<int> open;
        std::array<epoll_event, 128> events;
        std::array<char, message> bytes;
        while (!end_) {
            const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i) {
                const int socket = events[static_cast<std::size_t>(i)].data.fd;
                if (socket == bell_) {
                    std::uint64_t rings = 0;
                    if (::read(bell_, &rings, sizeof rings) > 0 && asks_.exchange(false)) { asked_.set_value(user_seconds()); }
                } else if (socket == listening) {
                    open.push_back(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
                    add(open.back());
                } else {
                    const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
                    if (got > 0) { static_cast<void>(::send(socket, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL)); }
                    else { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr); }
                }
            }
        }
        for (const int socket : open) { ::close(socket); }
        ::close(epoll_);
        ::close(bell_);
    }

    asio::io_context io_;
    tcp::acceptor acceptor_;
    const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    const int bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::atomic<bool> end_{false};
    std::atomic<bool> asks_{false};
    std::promise<double> asked_;
    std::thread thread_;
};

// --- Asio ---------------------------------------------------------------------------------------------

/// The same on any executor.
template <class Socket>
class session : public std::enable_shared_from_this<session<Socket>> {
public:
    explicit session(Socket socket) : socket_(std::move(socket)) {}
    void read() {
        socket_.async_read_some(asio::buffer(bytes_), [self = this->shared_from_this()](const error_code& ec, std::size_t n) {
            if (!ec) { self->write(n); }
        });
    }

private:
    void write(std::size_t n) {
        asio::async_write(socket_, asio::buffer(bytes_, n), [self = this->shared_from_this()](const error_code& ec, std::size_t) {
            if (!ec) { self->read(); }
        });
    }
    Socket socket_;
    std::array<char, message> bytes_;
};

class asio_server final : public server {
public:
    using socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

    asio_server(cpu_id cpu, int hint) : io_(hint), acceptor_(io_, any_port) {
        accept();
        thread_ = std::thread([this, cpu] {
            pin(cpu);
            io_.run();
        });
    }
    ~asio_server() override {
        io_.stop();
        thread_.join();
    }
    tcp::endpoint where() const override { return acceptor_.local_endpoint(); }
    double used() override { return asio::post(io_, asio::use_future(user_seconds)).get(); }

private:
    void accept() {
        acceptor_.async_accept(io_.get_executor(), [this](const error_code& ec, socket accepted) {
            if (ec) { return; }
            std::make_shared<session<socket>>(std::move(accepted))->read();
            accept();
        });
    }
    asio::io_context io_;
    asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
    std::thread thread_;
};

// --- the reactor --------------------------------------------------------------------------------------

template <class Socket>
class reactor_server final : public server {
public:
    reactor_server(const topology& machine, cpu_id cpu, idle_strategy idle) : pool_(plan_of(idle), machine, site_on(machine, cpu)) {
        at_ = pool_.listen(any_port, [](reactor_connection c) { std::make_shared<kept>(std::move(c))->read(); });
    }
    tcp::endpoint where() const override { return at_; }
    double used() override { return asio::post(pool_.on(0), asio::use_future(user_seconds)).get(); }

private:
    struct kept : session<Socket> {
        explicit kept(reactor_connection c) : session<Socket>(Socket(std::move(c.socket))), open(std::move(c.open)) {}
        open_connection open;
    };
    static pool_plan plan_of(idle_strategy idle) {
        pool_plan asked;
        asked.name = "echo";
        asked.idle.strategy = idle;
        return asked;
    }
    static std::vector<worker_site> site_on(const topology& machine, cpu_id cpu) {
        const auto node = machine.find(cpu)->node;
        return {{"echo", 0, cpu, node, machine.nearest_memory(node).value()}};
    }
    reactor_pool pool_;
    tcp::endpoint at_;
};

// --- the client ---------------------------------------------------------------------------------------

struct figures {
    double per_second = 0;
    double user_us = 0;  // of the server's, for a request
};

/// One request of each connection is on its way all the time.
figures load(server& to, std::size_t connections, double seconds) {
    asio::io_context io;
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<tcp::socket> sockets;
    std::array<char, message> bytes{};
    sockets.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) {
        auto& socket = sockets.emplace_back(io);
        socket.connect(to.where());
        socket.set_option(tcp::no_delay(true));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket.native_handle();
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket.native_handle(), &event);
    }
    for (auto& socket : sockets) { asio::write(socket, asio::buffer(bytes)); }
    std::array<epoll_event, 128> events;
    const auto turn = [&] {
        std::uint64_t done = 0;
        const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < n; ++i) {
            const int socket = events[static_cast<std::size_t>(i)].data.fd;
            if (::recv(socket, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(message)) { give_up(1, "an echo that is not whole"); }
            if (::send(socket, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(message)) { give_up(1, "a request that was not sent whole"); }
            ++done;
        }
        return done;
    };
    for (std::uint64_t warm = 0; warm < 5 * connections;) { warm += turn(); }
    const auto before = to.used();
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t requests = 0;
    while (seconds_since(start) < seconds) { requests += turn(); }
    const double took = seconds_since(start);
    const double used = to.used() - before;
    ::close(epoll);
    return {static_cast<double>(requests) / took, used * 1e6 / static_cast<double>(requests)};
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "Echo of 64 bytes: a reactor worker, raw epoll, an io_context of its own");
    const auto machine = discover_topology();
    const auto cpus = two_cpus(asked);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    pin(cpus[0]);

    using made = std::unique_ptr<server>;
    const std::vector<std::pair<std::string, std::function<made()>>> servers = {
        {"raw epoll", [&] { return made(new raw_server(cpus[1])); }},
        {"io_context(1)", [&] { return made(new asio_server(cpus[1], 1)); }},
        {"io_context, unlocked", [&] { return made(new asio_server(cpus[1], BOOST_ASIO_CONCURRENCY_HINT_UNSAFE)); }},
        {"reactor", [&] { return made(new reactor_server<reactor_socket>(machine, cpus[1], idle_strategy::spin_then_park)); }},
        {"reactor, idle: park", [&] { return made(new reactor_server<reactor_socket>(machine, cpus[1], idle_strategy::park)); }},
        {"reactor, tcp::socket", [&] { return made(new reactor_server<tcp::socket>(machine, cpus[1], idle_strategy::spin_then_park)); }},
    };
    for (const std::size_t connections : {std::size_t{100}, std::size_t{10'000}}) {
        if (files.rlim_cur < 2 * connections + 100) {
            std::printf("\n%zu connections: this process may open %llu files only\n", connections, static_cast<unsigned long long>(files.rlim_cur));
            continue;
        }
        std::vector<contender> all;
        std::vector<std::vector<double>> user(servers.size());
        for (std::size_t i = 0; i < servers.size(); ++i) {
            all.push_back({servers[i].first, [&, i] {
                               const auto under_load = servers[i].second();
                               const auto f = load(*under_load, asked.quick ? 100 : connections, asked.quick ? 0.05 : 0.7);
                               user[i].push_back(f.user_us);
                               return f.per_second / 1e3;
                           }});
        }
        const auto rounds = interleave(all, asked.rounds);
        const auto title = std::to_string(connections) + " connections, 64 bytes";
        print_table(title, "thousand requests/s", all, rounds, {0, 1});
        auto of_user = rounds;
        for (std::size_t r = 0; r < of_user.size(); ++r) {
            for (std::size_t i = 0; i < servers.size(); ++i) { of_user[r].values[i] = user[i][r]; }
        }
        print_table(title + ": the server's processor time in user mode", "us for a request", all, of_user, {0, 1});
    }
}
