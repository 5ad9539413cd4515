// The public server: an http_server whose snapshots come from a bridge.
#include <control_plane/http/http_server.hpp>

#include <numasio/control_server.hpp>

#include <utility>

namespace numasio {

class control_server::impl : public detail::http_server {
    using detail::http_server::http_server;
};

control_server::control_server(boost::asio::any_io_executor executor, bridge& served, const listener_plan& listener)
    : impl_(std::make_shared<impl>(std::move(executor), listener, [&served] { return detail::take_snapshot(served); })) {
    impl_->start();
}

control_server::~control_server() { impl_->stop(); }

std::uint16_t control_server::port() const noexcept { return impl_->port(); }

void control_server::stop() { impl_->stop(); }

}  // namespace numasio
