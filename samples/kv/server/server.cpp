// Accepting, batching of replies, sweeping of expired keys while nobody asks for them, and the end.
#include "server/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

namespace kv {

using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

server::server(asio::io_context& io, const tcp::endpoint& address, kv_port& port, server_limits limits)
    : io_(io), acceptor_(io), pause_(io), sweeps_(io), port_(port) {
    acceptor_.open(address.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(address);
    acceptor_.listen();
    state_.limits = limits;
    state_.query_memory.limit = limits.total_query_bytes;
    state_.reply_memory.limit = limits.total_reply_bytes;
    state_.port = acceptor_.local_endpoint().port();
    state_.workers = port.workers();
}

void server::start(std::uint64_t worker_memory) {
    state_.worker_memory = worker_memory;
    fill_config(state_);
    asio::co_spawn(io_, accept_loop(), asio::detached);
    asio::co_spawn(io_, sweep_loop(), asio::detached);
}

asio::awaitable<void> server::accept_loop() {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (!stopping_) {
        auto [ec, socket] = co_await acceptor_.async_accept(token);
        if (stopping_) { co_return; }
        if (ec == asio::error::connection_aborted) { continue; }
        if (ec) {
            // Most likely no descriptor is left. Trying at once would only burn the core.
            std::cerr << "numasio-kv: cannot accept: " << ec.message() << "; trying again in 100 ms\n";
            pause_.expires_after(100ms);
            co_await pause_.async_wait(token);
            continue;
        }
        ++state_.connections;
        if (sessions_.size() >= state_.limits.clients) {
            ++state_.refused_connections;
            error_code ignored;
            socket.non_blocking(true, ignored);
            socket.write_some(asio::buffer(std::string_view("-ERR max number of clients reached\r\n")), ignored);
            continue;
        }
        auto added = std::make_shared<session>(std::move(socket), *this, next_id_++);
        sessions_.emplace(added->id(), added);
        added->start();
    }
}

/// Handlers run inline, many to a batch. The first session with a reply posts one step behind the batch; in that
/// step every session that got replies sends them in one write.
void server::has_replies(std::shared_ptr<session> ready) {
    if (ready_.empty()) {
        asio::post(io_, [this] {
            advancing_.swap(ready_);
            for (const auto& s : advancing_) { s->advance(); }
            advancing_.clear();
        });
    }
    if (ready_.empty() || ready_.back() != ready) { ready_.push_back(std::move(ready)); }
}

void server::forget(session& closed) {
    sessions_.erase(closed.id());
    check_drained();
}

// --- expiry ---------------------------------------------------------------------------------------

/// Workers sweep a little with each request. For the time when no requests come, ten times a second and only
/// while keys with a deadline may exist: an idle server stays asleep.
asio::awaitable<void> server::sweep_loop() {
    while (!stopping_) {
        sweeps_.expires_after(100ms);
        co_await sweeps_.async_wait(asio::as_tuple(asio::use_awaitable));
        if (stopping_ || !state_.may_expire || sweeping_ != 0) { continue; }
        state_.may_expire = false;
        for (std::uint32_t w = 0; w < port_.workers(); ++w) { send_sweep(w); }
    }
}

void server::send_sweep(std::uint32_t worker) {
    constexpr std::int64_t buckets = 2048;  // some 100 µs where nothing is dead
    auto place = port_.try_reserve(port_.at(worker));
    if (!place) {
        state_.may_expire = true;
        return;
    }
    kv_request request;
    request.op = kv_op::sweep;
    request.now = state_.clock.now();
    request.number = buckets;
    ++sweeping_;
    port_.async_call(std::move(place), request, [this, worker](numasio::error_code ec, kv_reply reply) {
        --sweeping_;
        if (ec || stopping_) { return; }
        state_.may_expire = state_.may_expire || reply.expiring != 0;
        // Much was dead: go on at once, behind the requests that came meanwhile.
        if (reply.number >= static_cast<std::int64_t>(sweep_enough)) { send_sweep(worker); }
    });
}

// --- the end --------------------------------------------------------------------------------------

void server::finish(std::function<void()> drained) {
    stopping_ = true;
    drained_ = std::move(drained);
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    sweeps_.cancel();
    const auto all = sessions_;  // finish() may remove one
    for (const auto& [id, s] : all) { s->finish(); }
    check_drained();
}

void server::check_drained() {
    if (drained_ && sessions_.empty()) { std::exchange(drained_, nullptr)(); }
}

std::size_t server::abort() {
    std::size_t lost = 0;
    const auto all = sessions_;
    drained_ = nullptr;
    for (const auto& [id, s] : all) {
        lost += s->unanswered();
        s->abort();
    }
    return lost;
}

}  // namespace kv
