// epoll and plain sockets, so that the client costs little and the same against every server.
#include "bench/kv/load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace numasio::bench {
namespace {

using clock = std::chrono::steady_clock;

struct connection {
    int fd = -1;
    std::uint32_t waiting = 0;  // replies of the batch that are still to come
    clock::time_point sent;
    std::string unread;
};

int connect_to(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/// Length of the first whole reply in `text`, 0 if there is none. Simple, bulk, and flat arrays.
std::size_t reply_length(std::string_view text) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) { return 0; }
    const auto line = end + 2;
    if (text[0] != '$') { return line; }
    const auto n = std::stoll(std::string(text.substr(1, end - 1)));
    if (n < 0) { return line; }
    const auto whole = line + static_cast<std::size_t>(n) + 2;
    return text.size() >= whole ? whole : 0;
}

class client {
public:
    client(const load& what, std::uint16_t port) : what_(what), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        at_ = what_.command.find("%KEY%");
        for (std::uint32_t i = 0; i < what.connections; ++i) {
            connections_.push_back({});
            connections_.back().fd = connect_to(port);
        }
        for (std::uint32_t i = 0; i < what.connections; ++i) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u32 = i;
            epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
        }
    }
    ~client() {
        for (const auto& c : connections_) { close(c.fd); }
        close(epoll_);
    }

    load_result run() {
        const auto began = clock::now();
        for (auto& c : connections_) { send_batch(c); }
        std::vector<epoll_event> events(connections_.size());
        while (result_.replies < sent_) {
            const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 30'000);
            if (n <= 0) { throw std::runtime_error(what_.name + ": no reply for 30 s"); }
            for (int i = 0; i < n; ++i) { receive(connections_[events[static_cast<std::size_t>(i)].data.u32]); }
        }
        result_.seconds = std::chrono::duration<double>(clock::now() - began).count();
        return result_;
    }

private:
    void send_batch(connection& c) {
        if (sent_ >= what_.requests) { return; }
        batch_.clear();
        for (std::uint32_t i = 0; i < what_.pipeline; ++i) { append_command(); }
        c.waiting = what_.pipeline;
        sent_ += what_.pipeline;
        c.sent = clock::now();
        for (std::size_t done = 0; done < batch_.size();) {
            const auto n = write(c.fd, batch_.data() + done, batch_.size() - done);
            if (n <= 0) { throw std::runtime_error(what_.name + ": the server closed the connection"); }
            done += static_cast<std::size_t>(n);
        }
    }

    void append_command() {
        const auto begins = batch_.size();
        batch_ += what_.command;
        if (at_ == std::string::npos) { return; }
        random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
        char digits[13];
        std::snprintf(digits, sizeof digits, "%012u", static_cast<unsigned>((random_ >> 33) % what_.keys));
        batch_.replace(begins + at_, 5, digits, 12);
    }

    void receive(connection& c) {
        char chunk[65536];
        const auto n = read(c.fd, chunk, sizeof chunk);
        if (n <= 0) { throw std::runtime_error(what_.name + ": the server closed the connection"); }
        c.unread.append(chunk, static_cast<std::size_t>(n));
        const auto now = clock::now();
        std::size_t used = 0;
        for (std::size_t whole; c.waiting > 0 && used < c.unread.size(); used += whole) {
            whole = reply_length(std::string_view(c.unread).substr(used));
            if (whole == 0) { break; }
            result_.errors += c.unread[used] == '-' ? 1 : 0;
            ++result_.replies;
            --c.waiting;
            const auto ns = static_cast<std::uint64_t>((now - c.sent) / std::chrono::nanoseconds(1));
            ++result_.latency.counts[latency_histogram::index(ns)];
            result_.latency.total_ns += ns;
        }
        c.unread.erase(0, used);
        if (c.waiting == 0) { send_batch(c); }
    }

    const load& what_;
    int epoll_;
    std::size_t at_ = std::string::npos;
    std::vector<connection> connections_;
    std::string batch_;
    std::uint64_t sent_ = 0;
    std::uint64_t random_ = 20261120;
    load_result result_;
};

}  // namespace

std::string resp(std::initializer_list<std::string_view> words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto word : words) {
        // The placeholder is replaced by twelve digits in place.
        const auto at = word.find("%KEY%");
        const auto length = at == std::string_view::npos ? word.size() : word.size() - 5 + 12;
        text += "$" + std::to_string(length) + "\r\n" + std::string(word) + "\r\n";
    }
    return text;
}

load_result run(const load& what, std::uint16_t port) { return client(what, port).run(); }

}  // namespace numasio::bench
