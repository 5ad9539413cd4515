// Batching of replies, sweeping of expired keys while nobody asks for them, and the end.
#include "server/front.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <utility>

namespace kv {

using namespace std::chrono_literals;

// --- expiry ---------------------------------------------------------------------------------------

/// Workers sweep a little with each request. For the time when no requests come, ten times a second and only
/// while keys with a deadline may exist: an idle server stays asleep.
class front::sweeper final : public reply_taker, public std::enable_shared_from_this<sweeper> {
public:
    sweeper(const asio::any_io_executor& executor, shard_calls& calls, server_state& state, std::vector<std::uint32_t> workers)
        : timer_(executor), calls_(calls), state_(state), workers_(std::move(workers)) {}

    void start() {
        timer_.expires_after(100ms);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (ec || self->stopping_) { return; }
            self->look();
            self->start();
        });
    }
    void stop() {
        stopping_ = true;
        timer_.cancel();
    }

    void on_reply(std::uint64_t worker, std::uint32_t, numasio::error_code ec, kv_reply reply) override {
        --awaited_;
        if (ec || stopping_) { return; }
        state_.may_expire = state_.may_expire || reply.expiring != 0;
        // Much was dead: go on at once, behind the requests that came meanwhile.
        if (reply.number >= static_cast<std::int64_t>(sweep_enough)) { send(static_cast<std::uint32_t>(worker)); }
    }

private:
    void look() {
        if (!state_.may_expire || awaited_ != 0) { return; }
        state_.may_expire = false;
        for (const auto worker : workers_) { send(worker); }
    }

    void send(std::uint32_t worker) {
        constexpr std::int64_t buckets = 2048;  // some 100 µs where nothing is dead
        auto place = calls_.try_reserve(worker);
        if (!place) {
            state_.may_expire = true;
            return;
        }
        kv_request request;
        request.op = kv_op::sweep;
        request.now = state_.clock.now();
        request.number = buckets;
        ++awaited_;
        calls_.call(std::move(place), request, {shared_from_this(), worker, 0});
    }

    asio::steady_timer timer_;
    shard_calls& calls_;
    server_state& state_;
    const std::vector<std::uint32_t> workers_;
    std::uint32_t awaited_ = 0;  ///< workers that have not answered the last sweep
    bool stopping_ = false;
};

front::front(asio::any_io_executor executor, shard_calls& calls, server_state& state, std::vector<std::uint32_t> swept)
    : executor_(std::move(executor)), calls_(calls), state_(state),
      sweeper_(std::make_shared<sweeper>(executor_, calls_, state_, std::move(swept))) {}

void front::start() {
    sweeper_->start();
    readable_.emplace(executor_, [this](std::uint64_t id, bool all) {
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) { return; }
        const auto alive = found->second;
        alive->on_readable(all);
    });
}

// --- connections ----------------------------------------------------------------------------------

void front::add(asio::ip::tcp::socket socket, std::uint64_t id, numasio::open_connection counted) {
    auto added = std::make_shared<session>(std::move(socket), *this, id, std::move(counted));
    sessions_.emplace(id, added);
    added->start();
}

void front::forget(session& closed) {
    sessions_.erase(closed.id());
    --state_.connections->open;
    check_drained();
}

/// Replies come many to a batch. The first session with one posts a step behind the batch; in that step every session
/// that got replies sends them in one write.
void front::has_replies(std::shared_ptr<session> ready) {
    if (ready_.empty()) {
        asio::post(executor_, [this] {
            advancing_.swap(ready_);
            for (const auto& s : advancing_) { s->advance(); }
            advancing_.clear();
        });
    }
    if (ready_.empty() || ready_.back() != ready) { ready_.push_back(std::move(ready)); }
}

// --- the end --------------------------------------------------------------------------------------

void front::finish(std::function<void()> drained) {
    drained_ = std::move(drained);
    sweeper_->stop();
    const auto all = sessions_;  // finish() may remove one
    for (const auto& [id, s] : all) { s->finish(); }
    check_drained();
}

void front::check_drained() {
    if (drained_ && sessions_.empty()) { std::exchange(drained_, nullptr)(); }
}

std::size_t front::abort() {
    std::size_t lost = 0;
    const auto all = sessions_;
    drained_ = nullptr;
    sweeper_->stop();
    for (const auto& [id, s] : all) {
        lost += s->unanswered();
        s->abort();
    }
    return lost;
}

}  // namespace kv
