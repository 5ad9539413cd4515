// An http_server over an example snapshot, with an io_context that runs on threads of its own.
#pragma once

#include <control_plane/http/http_server.hpp>

#include "../metrics/example.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace numasio::test {

class running_server {
public:
    explicit running_server(detail::http_limits limits = {}, int threads = 2)
        : work_(io_.get_executor()),
          server_(std::make_shared<detail::http_server>(
              io_.get_executor(), listener_plan{"http", "127.0.0.1", 0},
              [this] {
                  ++snapshots;
                  return shown.view();
              },
              limits)) {
        server_->start();
        for (int i = 0; i < threads; ++i) {
            threads_.emplace_back([this] { io_.run(); });
        }
    }
    ~running_server() {
        server_->stop();
        work_.reset();
        for (auto& thread : threads_) { thread.join(); }
    }
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;

    detail::http_server& server() { return *server_; }
    std::uint16_t port() const { return server_->port(); }

    /// Change it only while no request is under way.
    example shown = two_nodes();
    std::atomic<int> snapshots{0};

private:
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::shared_ptr<detail::http_server> server_;
    std::vector<std::thread> threads_;
};

}  // namespace numasio::test
