// Sockets that listen for a reactor pool: one for each worker, or one on the control plane that hands connections over.
#pragma once

#include "hot_path/reactor_group.hpp"
#include "src/platform/descriptor.hpp"

#include <numasio/reactor_connection.hpp>
#include <numasio/reactor_status.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace numasio::hot_path {

using boost::asio::ip::tcp;

/// Throws system_error: naming the endpoint, and `why` where the code does not say enough.
[[noreturn]] void refuse_listening(const error_code& ec, const tcp::endpoint& at, const std::string& why = {});

/// A socket that listens and that no context knows yet.
struct listening_socket {
    platform::descriptor number;
    reactor_listener_status what;
};
/// `shared`: further ones may listen at the same endpoint, for `cpu` preferably. Fails: throws system_error naming the endpoint.
listening_socket make_listening_socket(const tcp::endpoint& at, bool shared, std::optional<cpu_id> cpu);
/// Whether nobody listens there, also nobody who shares; where port 0 asks for one: which. Fails: throws system_error naming the endpoint.
tcp::endpoint free_endpoint(const tcp::endpoint& at);

/// Has the worker accept there from now on, for others of its group while it is benched. Threads: any. Fails: throws std::bad_alloc; system_error: errc::forked.
void start_accepting(detail::reactor_group& group, detail::reactor_core& on, listening_socket socket, std::shared_ptr<const connection_handler> handler);
/// It accepts no more, at none of its listeners. Threads, Fails: as start_accepting().
void stop_accepting(detail::reactor_core& on);
/// Accepts on the control plane and hands over; the listener lives there, until it is closed or the context ends. An empty chooser stands for the worker with the fewest connections.
std::shared_ptr<detail::reactor_listener> start_handing_over(std::shared_ptr<detail::reactor_group> to, const boost::asio::any_io_executor& control,
                                                             listening_socket socket, std::shared_ptr<const connection_handler> handler,
                                                             std::function<reactor_executor(const tcp::endpoint&)> choose);
/// Where the worker refuses it, the caller keeps the socket. Threads: any.
error_code give_connection(detail::reactor_core& to, int socket, const tcp::endpoint& peer, std::shared_ptr<const connection_handler> handler) noexcept;

}  // namespace numasio::hot_path
