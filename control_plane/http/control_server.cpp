// The public server: an http_server whose snapshots come from a bridge.
#include <control_plane/http/http_server.hpp>

#include <numasio/control_server.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace numasio {

class control_server::impl : public detail::http_server {
    using detail::http_server::http_server;
};

control_server::control_server(boost::asio::any_io_executor executor, bridge& served, const listener_plan& listener) try
    : impl_(std::make_shared<impl>(std::move(executor), listener, [&served] { return detail::take_snapshot(served); })) {
    impl_->start();
} catch (const std::invalid_argument& e) {
    const auto mark = served.asked().marks.find("listeners." + listener.name);
    if (mark == served.asked().marks.end()) { throw; }
    const auto& at = mark->second;
    throw std::invalid_argument(at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + e.what());
}

control_server::~control_server() { impl_->stop(); }

std::uint16_t control_server::port() const noexcept { return impl_->port(); }

void control_server::stop() { impl_->stop(); }

}  // namespace numasio
