// The connections of one thread: what they share, and what is done for all of them together.
#pragma once

#include "server/server_state.hpp"
#include "server/session.hpp"
#include "server/shard_calls.hpp"

#include <numasio/readable_set.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace kv {

/// Threads: that of its executor, but for the constructor. Lifetime: executor and calls outlive it.
class front {
public:
    /// `swept`: the workers whose dead keys it has removed while nobody asks for them.
    front(asio::any_io_executor executor, shard_calls& calls, server_state& state, std::vector<std::uint32_t> swept);

    void start();
    void add(asio::ip::tcp::socket socket, std::uint64_t id, numasio::open_connection counted = {});
    /// Lets every connection finish; `drained` is called once when none is left.
    void finish(std::function<void()> drained);
    /// Closes what is left. Returns how many commands were not answered.
    std::size_t abort();

    server_state& state() noexcept { return state_; }
    shard_calls& calls() noexcept { return calls_; }

    // For sessions.
    void has_replies(std::shared_ptr<session> ready);
    void forget(session& closed);
    numasio::readable_set& readable() noexcept { return *readable_; }

private:
    class sweeper;

    void check_drained();

    asio::any_io_executor executor_;
    shard_calls& calls_;
    server_state& state_;
    std::shared_ptr<sweeper> sweeper_;
    std::optional<numasio::readable_set> readable_;
    std::unordered_map<std::uint64_t, std::shared_ptr<session>> sessions_;
    std::vector<std::shared_ptr<session>> ready_;  ///< sessions with replies of the current batch
    std::vector<std::shared_ptr<session>> advancing_;
    std::function<void()> drained_;
};

}  // namespace kv
