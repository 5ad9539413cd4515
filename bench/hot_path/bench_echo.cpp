// Echo of 64 bytes over loopback: a reactor worker beside a raw epoll loop and an io_context of its own on the same CPU, one client on another.
#include "bench/hot_path/echo_load.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/reactor_pool.hpp>
#include <numasio/readable_set.hpp>

#ifdef NUMASIO_HAS_RUST
#include <bench/peers/rust_peers.hpp>
#endif

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
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

const tcp::endpoint any_port{asio::ip::address_v4::loopback(), 0};

struct server {
    virtual ~server() = default;
    virtual tcp::endpoint where() const = 0;
};

// --- raw epoll ----------------------------------------------------------------------------------------

class raw_server final : public server {
public:
    explicit raw_server(cpu_id cpu) : acceptor_(io_, any_port), thread_([this, cpu] { run(cpu); }) {}
    ~raw_server() override {
        ask(where(), ask_end);
        thread_.join();
    }
    tcp::endpoint where() const override { return acceptor_.local_endpoint(); }

private:
    static void add(int epoll, int socket) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
    void run(cpu_id cpu) {
        pin(cpu);
        const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
        const int listening = acceptor_.native_handle();
        add(epoll, listening);
        std::vector<int> open;
        std::array<epoll_event, 128> events;
        text bytes;
        for (bool goes_on = true; goes_on;) {
            const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i) {
                const int socket = events[static_cast<std::size_t>(i)].data.fd;
                if (socket == listening) {
                    open.push_back(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
                    add(epoll, open.back());
                    continue;
                }
                const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
                if (got <= 0) { ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr); }
                else {
                    goes_on = look_at(bytes.data()) && goes_on;
                    static_cast<void>(::send(socket, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL));
                }
            }
        }
        for (const int socket : open) { ::close(socket); }
        ::close(epoll);
    }

    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::thread thread_;
};

// --- Asio ---------------------------------------------------------------------------------------------

/// The same on any executor.
template <class Socket>
class session : public std::enable_shared_from_this<session<Socket>> {
public:
    session(Socket socket, std::function<void()> end) : socket_(std::move(socket)), end_(std::move(end)) {}
    void read() {
        socket_.async_read_some(asio::buffer(bytes_), [self = this->shared_from_this()](const error_code& ec, std::size_t n) {
            if (!ec) { self->write(n); }
        });
    }

private:
    void write(std::size_t n) {
        if (!look_at(bytes_.data())) { end_(); }
        asio::async_write(socket_, asio::buffer(bytes_, n), [self = this->shared_from_this()](const error_code& ec, std::size_t) {
            if (!ec) { self->read(); }
        });
    }
    Socket socket_;
    const std::function<void()> end_;
    text bytes_;
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
        ask(where_, ask_end);
        thread_.join();
    }
    tcp::endpoint where() const override { return where_; }

private:
    void accept() {
        acceptor_.async_accept(io_.get_executor(), [this](const error_code& ec, socket accepted) {
            if (ec) { return; }
            std::make_shared<session<socket>>(std::move(accepted), [this] {
                acceptor_.close();
                io_.stop();
            })->read();
            accept();
        });
    }
    asio::io_context io_;
    asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
    const tcp::endpoint where_ = acceptor_.local_endpoint();
    std::thread thread_;
};

// --- the reactor --------------------------------------------------------------------------------------

pool_plan echo_plan(idle_strategy idle) {
    pool_plan asked;
    asked.name = "echo";
    asked.idle.strategy = idle;
    return asked;
}
std::vector<worker_site> site_on(const topology& machine, cpu_id cpu) {
    const auto node = machine.find(cpu)->node;
    return {{"echo", 0, cpu, node, machine.nearest_memory(node).value()}};
}

template <class Socket>
class reactor_server final : public server {
public:
    reactor_server(const topology& machine, cpu_id cpu, idle_strategy idle) : pool_(echo_plan(idle), machine, site_on(machine, cpu)) {
        at_ = pool_.listen(any_port, [](reactor_connection c) { std::make_shared<kept>(std::move(c))->read(); });
    }
    tcp::endpoint where() const override { return at_; }

private:
    struct kept : session<Socket> {
        explicit kept(reactor_connection c) : session<Socket>(Socket(std::move(c.socket)), [] {}), open(std::move(c.open)) {}
        open_connection open;
    };
    reactor_pool pool_;
    tcp::endpoint at_;
};

/// One wait for all sockets, as numasio-kv has it.
class readable_server final : public server {
public:
    readable_server(const topology& machine, cpu_id cpu, idle_strategy idle, poll_backend by) : by_(by), pool_(echo_plan(idle), machine, site_on(machine, cpu)) {
        at_ = pool_.listen(any_port, [this](reactor_connection c) { add(std::move(c)); });
    }
    ~readable_server() override {
        asio::post(pool_.on(0), asio::use_future([this] {
            readable_.reset();
            open_.clear();
        })).get();
    }
    tcp::endpoint where() const override { return at_; }

private:
    void add(reactor_connection c) {
        if (!readable_) { readable_.emplace(c.socket.get_executor(), [this](std::uint64_t id, bool all) { read(id, all); }, by_); }
        c.socket.non_blocking(true);
        open_.push_back(std::make_unique<reactor_connection>(std::move(c)));
        if (readable_->add(open_.back()->socket.native_handle(), open_.size() - 1)) { give_up(1, "a socket that cannot be watched"); }
    }
    void read(std::uint64_t id, bool all) {
        auto& one = open_[id];
        if (!one) { return; }
        error_code ec;
        const auto got = one->socket.read_some(asio::buffer(bytes_), ec);
        if (ec == asio::error::would_block) { return; }
        if (ec) {
            readable_->remove(one->socket.native_handle());
            one.reset();
            return;
        }
        look_at(bytes_.data());
        one->socket.write_some(asio::buffer(bytes_.data(), got), ec);
        if (all || got == bytes_.size()) { readable_->tell_again(id); }
    }
    const poll_backend by_;
    reactor_pool pool_;
    std::optional<readable_set> readable_;
    std::vector<std::unique_ptr<reactor_connection>> open_;
    std::array<char, 4096> bytes_;
    tcp::endpoint at_;
};

bool has_io_uring() {
    asio::io_context io;
    return readable_set(io.get_executor(), {}, poll_backend::io_uring).backend() == poll_backend::io_uring;
}

// --- Tokio --------------------------------------------------------------------------------------------

#ifdef NUMASIO_HAS_RUST
cpu_id tokio_cpu;

class tokio_server final : public server {
public:
    explicit tokio_server(cpu_id cpu) {
        tokio_cpu = cpu;
        echo_ = peer_tokio_echo_new([](std::size_t) { pin(tokio_cpu); }, [](std::uint8_t* bytes) { return look_at(reinterpret_cast<char*>(bytes)); });
    }
    ~tokio_server() override {
        ask(where(), ask_end);
        peer_tokio_echo_free(echo_);
    }
    tcp::endpoint where() const override { return {asio::ip::address_v4::loopback(), peer_tokio_echo_port(echo_)}; }

private:
    peer_tokio_echo* echo_;
};
#else
constexpr const char* no_rust = NUMASIO_NO_RUST;
#endif

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "Echo of 64 bytes: a reactor worker, raw epoll, an io_context of its own");
    const auto machine = discover_topology();
    const auto cpus = two_cpus(asked);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const client load_from(cpus[0]);
    pin(cpus[0]);

    using made = std::unique_ptr<server>;
    struct row {
        std::string name;
        std::function<made()> make;
        std::string missing{};
    };
    const std::vector<row> servers = {
        {"raw epoll", [&] { return made(new raw_server(cpus[1])); }},
        {"io_context(1)", [&] { return made(new asio_server(cpus[1], 1)); }},
        {"io_context, unlocked", [&] { return made(new asio_server(cpus[1], BOOST_ASIO_CONCURRENCY_HINT_UNSAFE)); }},
        {"reactor", [&] { return made(new reactor_server<reactor_socket>(machine, cpus[1], idle_strategy::spin_then_park)); }},
        {"reactor, idle: park", [&] { return made(new reactor_server<reactor_socket>(machine, cpus[1], idle_strategy::park)); }},
        {"reactor, readable_set", [&] { return made(new readable_server(machine, cpus[1], idle_strategy::spin_then_park, poll_backend::epoll)); }},
        {"reactor, readable_set, idle: park", [&] { return made(new readable_server(machine, cpus[1], idle_strategy::park, poll_backend::epoll)); }},
        {"reactor, readable_set by io_uring",
         has_io_uring() ? [&] { return made(new readable_server(machine, cpus[1], idle_strategy::spin_then_park, poll_backend::io_uring)); } : std::function<made()>(),
         "this kernel refuses io_uring, or is older than 6.1"},
        {"reactor, tcp::socket", [&] { return made(new reactor_server<tcp::socket>(machine, cpus[1], idle_strategy::spin_then_park)); }},
#ifdef NUMASIO_HAS_RUST
        {"Tokio, current thread", [&] { return made(new tokio_server(cpus[1])); }},
#else
        {"Tokio, current thread", {}, no_rust},
#endif
    };
    for (const std::size_t connections : {std::size_t{100}, std::size_t{10'000}}) {
        if (files.rlim_cur < connections + 100) {
            std::printf("\n%zu connections: this process may open %llu files only\n", connections, static_cast<unsigned long long>(files.rlim_cur));
            continue;
        }
        std::vector<contender> all;
        std::vector<std::vector<double>> user(servers.size());
        for (std::size_t i = 0; i < servers.size(); ++i) {
            if (!servers[i].make) {
                all.push_back({servers[i].name, {}, servers[i].missing});
                continue;
            }
            all.push_back({servers[i].name, [&, i] {
                               const auto under_load = servers[i].make();
                               const auto f = load_from.measure(under_load->where(), asked.quick ? 100 : connections, asked.quick ? 0.05 : 0.7);
                               user[i].push_back(f.user_us);
                               return f.per_second / 1e3;
                           }});
        }
        const auto rounds = interleave(all, asked.rounds);
        const auto title = std::to_string(connections) + " connections, 64 bytes";
        print_table(title, "thousand requests/s", all, rounds, {0, 1});
        auto of_user = rounds;
        for (std::size_t r = 0; r < of_user.size(); ++r) {
            for (std::size_t i = 0; i < servers.size(); ++i) {
                if (servers[i].make) { of_user[r].values[i] = user[i][r]; }
            }
        }
        print_table(title + ": the server's processor time in user mode", "us for a request", all, of_user, {0, 1});
    }
}
