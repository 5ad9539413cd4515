// One connection: reads a request, answers it, reads the next.
#pragma once

#include <control_plane/http/http_message.hpp>
#include <control_plane/http/request_reader.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace numasio::detail {

class http_server;

/// Every function is called with the server's mutex held.
class http_session : public std::enable_shared_from_this<http_session> {
public:
    http_session(std::shared_ptr<http_server> server, boost::asio::ip::tcp::socket socket);

    void start();
    void close();

    /// Between two requests, or done and waiting for the client to close: nobody would miss it.
    bool idle() const noexcept { return phase_ == phase::idle || phase_ == phase::lingering; }
    std::chrono::steady_clock::time_point since() const noexcept { return since_; }

private:
    enum class phase {
        header,     ///< a request is arriving (or the first one is awaited)
        idle,       ///< the next request is awaited
        writing,    ///< the reply goes out
        lingering,  ///< the last reply is out; what still arrives is thrown away, lest a reset destroys the reply
        closed
    };

    template <class Step>
    void guarded(Step step);
    void enter(phase next, std::chrono::milliseconds deadline);
    void on_deadline();
    void read();
    void on_read(const boost::system::error_code& ec, std::size_t size);
    void serve();
    void reply(const http_reply& with, bool keep_alive);
    void write();
    void on_write(const boost::system::error_code& ec, std::size_t size);
    void on_replied();

    std::shared_ptr<http_server> server_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    phase phase_ = phase::header;
    std::chrono::steady_clock::time_point since_{};
    bool reading_ = false;
    bool begun_ = false;          ///< something of the current header has arrived
    bool keep_alive_ = false;
    std::array<char, 4096> chunk_{};
    std::string arrived_;         ///< not consumed yet: less than a header and a chunk
    std::size_t discarded_ = 0;   ///< while lingering
    std::string leaving_;
    std::size_t left_ = 0;        ///< of leaving_, already written
    request_reader reader_;
};

}  // namespace numasio::detail
