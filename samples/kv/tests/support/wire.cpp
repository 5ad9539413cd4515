// Plain sockets: a test must see every byte and every border.
#include "support/wire.hpp"

#include "support/program.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace kv::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

}  // namespace

std::string resp(const std::vector<std::string>& words) {
    std::string out = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words) { out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n"; }
    return out;
}

std::uint16_t free_port() {
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    auto at = loopback(0);
    socklen_t size = sizeof(at);
    ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof(at));
    ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(s);
    return ntohs(at.sin_port);
}

wire::wire(std::uint16_t port, int kernel_bytes) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    // Before connect(): the window is agreed there.
    if (kernel_bytes != 0) { ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &kernel_bytes, sizeof(kernel_bytes)); }
    const auto at = loopback(port);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) {
        ::close(socket_);
        throw std::runtime_error("cannot connect to port " + std::to_string(port) + ": " + std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}
wire::~wire() {
    if (socket_ >= 0) { ::close(socket_); }
}

void wire::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) { return; }  // reading will show it
        if (n < 0) { throw std::runtime_error(std::string("send: ") + std::strerror(errno)); }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void wire::send_in_pieces(std::string_view bytes, const std::vector<std::size_t>& borders) {
    std::size_t from = 0;
    for (const auto border : borders) {
        send(bytes.substr(from, border - from));
        from = border;
    }
    send(bytes.substr(from));
}

bool wire::try_send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) { return false; }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

void wire::no_more() { ::shutdown(socket_, SHUT_WR); }

void wire::reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ::close(socket_);
    socket_ = -1;
}

bool wire::fill(int timeout_ms) {
    if (ended_) { return false; }
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) == 0) { return false; }
    char piece[65536];
    const auto n = ::recv(socket_, piece, sizeof(piece), 0);
    if (n <= 0) {
        ended_ = true;
        return false;
    }
    buffer_.append(piece, static_cast<std::size_t>(n));
    return true;
}

bool wire::have(std::size_t bytes) {
    while (buffer_.size() < bytes) {
        if (fill(20'000)) { continue; }
        if (!ended_) { throw std::runtime_error("no reply within 20 s; so far: " + buffer_.substr(0, 200)); }
        return false;
    }
    return true;
}

/// Position behind the \r\n of the line that starts at `from`; npos at the end of the stream.
std::size_t wire::line_end(std::size_t from) {
    for (;;) {
        const auto at = buffer_.find("\r\n", from);
        if (at != buffer_.npos) { return at + 2; }
        if (!have(buffer_.size() + 1)) { return buffer_.npos; }
    }
}

std::size_t wire::reply_end(std::size_t from) {
    const auto end = line_end(from);
    if (end == buffer_.npos) { return end; }
    const char kind = buffer_[from];
    if (kind == '+' || kind == '-' || kind == ':') { return end; }
    const long count = std::stol(buffer_.substr(from + 1));
    if (kind == '$') {
        if (count < 0) { return end; }
        const auto last = end + static_cast<std::size_t>(count) + 2;
        return have(last) ? last : buffer_.npos;
    }
    if (kind != '*') { throw std::runtime_error("not a reply: " + buffer_.substr(from, 60)); }
    auto at = end;
    for (long i = 0; i < count && at != buffer_.npos; ++i) { at = reply_end(at); }
    return at;
}

std::string wire::read_reply() {
    const auto end = reply_end(0);
    if (end == buffer_.npos) {
        if (!buffer_.empty()) { throw std::runtime_error("half a reply at the end: " + buffer_.substr(0, 100)); }
        return {};
    }
    std::string out = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return out;
}

std::vector<std::string> wire::read_replies(std::size_t count) {
    std::vector<std::string> out;
    std::size_t from = 0;
    for (std::size_t i = 0; i < count; ++i) {  // without erasing the front each time
        const auto end = reply_end(from);
        if (end == buffer_.npos) { break; }
        out.push_back(buffer_.substr(from, end - from));
        from = end;
    }
    buffer_.erase(0, from);
    return out;
}

long long wire::info(const std::string& field) {
    const auto text = call({"INFO"});
    const auto at = text.find("\n" + field + ":");
    return at == text.npos ? -1 : std::stoll(text.substr(at + field.size() + 2));
}

bool wire::wait_for_info(const std::string& field, long long low, long long high) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (auto now = info(field); now < low || now > high; now = info(field)) {
        if (std::chrono::steady_clock::now() > until) { return false; }
    }
    return true;
}

std::string wire::read_all() {
    while (fill(20'000)) {}
    return std::exchange(buffer_, {});
}

std::string wire::read_until_quiet(std::chrono::milliseconds quiet) {
    while (fill(static_cast<int>(quiet.count()))) {}
    auto out = std::exchange(buffer_, {});
    return ended_ ? out + "<end>" : out;
}

}  // namespace kv::test
