// The client on plain sockets, so that nothing of the server's own library hides its faults.
#include "raw_client.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace numasio::test {

raw_client::raw_client(std::uint16_t port, std::chrono::milliseconds read_limit, bool must)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{};
    limit.tv_sec = read_limit.count() / 1000;
    limit.tv_usec = (read_limit.count() % 1000) * 1000;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr generic{};
    std::memcpy(&generic, &to, sizeof to);
    if (::connect(socket_, &generic, sizeof to) != 0 && must) {
        ADD_FAILURE() << "cannot connect to port " << port << ": " << std::strerror(errno);
    }
}

raw_client::~raw_client() { ::close(socket_); }

bool raw_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) { return false; }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void raw_client::finish_sending() { ::shutdown(socket_, SHUT_WR); }

bool raw_client::read_some() {
    char chunk[65536];
    const auto got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got > 0) {
        pending_.append(chunk, static_cast<std::size_t>(got));
        return true;
    }
    ended_ = got == 0 || errno == ECONNRESET;
    return false;
}

std::string raw_client::read_reply(bool head) {
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
        if (!read_some()) { return {}; }
    }
    std::size_t whole = end + 4;
    const auto field = pending_.find("Content-Length: ");
    if (!head && field < end) { whole += std::stoul(pending_.substr(field + 16)); }
    while (pending_.size() < whole) {
        if (!read_some()) { return {}; }
    }
    auto reply = pending_.substr(0, whole);
    pending_.erase(0, whole);
    return reply;
}

std::optional<std::string> raw_client::read_to_end() {
    while (read_some()) {}
    if (!ended_) { return std::nullopt; }
    return std::move(pending_);
}

unsigned status_of(std::string_view reply) {
    if (reply.substr(0, 9) != "HTTP/1.1 ") { return 0; }
    return static_cast<unsigned>(std::stoul(std::string(reply.substr(9, 3))));
}

std::string body_of(const std::string& reply) {
    const auto end = reply.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : reply.substr(end + 4);
}

std::string get(std::string_view path, std::string_view more_fields) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more_fields) + "\r\n";
}

}  // namespace numasio::test
