// The way to the workers from one of them: to its own shard directly, to the others by their inboxes.
#pragma once

#include "reactor/shard_desk.hpp"
#include "server/shard_calls.hpp"

#include <numasio/reactor_connection.hpp>

#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

namespace kv {

/// One for each worker. What its connections ask of another worker in one round of its io_context crosses together, and so
/// do the replies: a list is one function of the other's inbox. Requests go before any reply that leaves this worker, to a
/// client or to another worker: whoever has heard of an effect finds those that came before it. Each worker counts the calls that it has on their way, so the
/// bound of the plan (lane.capacity, for each pair of workers) needs no atomic, and whatever goes on its way has room.
/// Threads: its worker's, but for constructor, meet() and destructor, for which no worker runs. Lifetime: pool, shard and state outlive it.
class crossing final : public shard_calls, private served_calls {
public:
    crossing(std::uint32_t self, std::uint32_t capacity, kv_shard& shard, server_state& state);
    /// Where all workers are, this one among them.
    struct peer {
        crossing* calls;
        numasio::reactor_executor executor;
    };
    void meet(std::vector<peer> all);

    std::uint32_t workers() const noexcept override { return static_cast<std::uint32_t>(peers_.size()); }
    std::uint32_t home_of(std::string_view key) const noexcept override;
    bool claims() const noexcept override { return true; }
    bool serve_here(const kv_request& request, kv_reply& reply) override {
        return home_of(request.key) == self_ && desk_.serve(request, reply);
    }
    call_place try_reserve(std::uint32_t worker) noexcept override;
    void call(call_place place, const kv_request& request, reply_address to) override;
    void send_off() override { send_requests(); }

private:
    /// In the order in which they were added.
    class call_list {
    public:
        bool empty() const noexcept { return first_ == nullptr; }
        void add(shard_call& call) noexcept {
            call.next = nullptr;
            *end_ = &call;
            end_ = &call.next;
        }
        shard_call* take() noexcept {
            end_ = &first_;
            return std::exchange(first_, nullptr);
        }

    private:
        shard_call* first_ = nullptr;
        shard_call** end_ = &first_;
    };
    /// What this worker owes another: requests to it, and replies to its requests.
    struct outbox {
        call_list requests, replies;
    };

    void served(shard_call& call) override;
    void flush_later();
    void flush();
    void send_requests();
    void arrive(shard_call* requests);
    void deliver(shard_call* replies);
    template <class Function>
    void send(std::uint32_t worker, Function function);
    shard_call& fresh_call();

    const std::uint32_t self_;
    const std::uint32_t capacity_;
    server_state& state_;
    shard_desk desk_;
    std::vector<peer> peers_;
    std::vector<std::uint32_t> on_their_way_;  ///< calls to each worker, and places for them
    std::deque<shard_call> calls_;             ///< as many as were ever on their way together
    shard_call* unused_ = nullptr;
    std::deque<outbox> boxes_;  ///< for each worker; that for this one has replies only
    bool flushing_ = false;
    bool has_requests_ = false;  ///< in some outbox
};

}  // namespace kv
