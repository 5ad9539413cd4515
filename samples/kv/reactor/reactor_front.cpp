// Setting workers up, handing connections to them, and the end.
#include "reactor/reactor_front.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <string_view>
#include <utility>

namespace kv {

using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

/// Of what all fronts may have together: each has its share, and room for the largest that there may be.
std::size_t share(std::size_t total, std::size_t fronts, std::size_t largest) {
    return std::min(total, std::max(total / fronts, largest));
}

}  // namespace

numasio::plan reactor_front::for_bridge(numasio::plan asked) {
    for (auto& pool : asked.pools) {
        pool.idle.strategy = numasio::idle_strategy::caller_drives;
        pool.realtime = 0;  // the reactors' threads have it
    }
    return asked;
}

reactor_front::reactor_front(asio::io_context& control, numasio::bridge& shards, kv_port& port, const numasio::pool_plan& asked,
                             const server_state& begin, std::function<void(const std::vector<numasio::placement>&)> told)
    : control_(control), bridge_(shards), port_(port), pool_name_(asked.name), counts_(*begin.connections), told_(std::move(told)),
      pool_(asked, shards.machine(), shards.sites().workers), looks_(control) {
    const std::uint32_t count = pool_.workers();
    const auto found = locate_shards();
    std::vector<crossing::peer> peers;
    for (std::uint32_t w = 0; w < count; ++w) {
        auto& added = workers_.emplace_back(begin);
        added.state.fronts = count;
        added.state.query_memory.limit = share(begin.query_memory.limit, count, 2 * begin.limits.query_bytes);
        added.state.reply_memory.limit = share(begin.reply_memory.limit, count, begin.limits.reply_bytes);
        added.driver = bridge_.invoker_of(pool_name_, w);
        executors_.push_back(pool_.on(w));
        added.calls.emplace(w, asked.lane.capacity, *found[w], added.state);
        peers.push_back({&*added.calls, executors_[w]});
    }
    for (auto& each : workers_) { each.calls->meet(peers); }
    for (std::uint32_t w = 0; w < count; ++w) { set_up(w); }
    look_after();
}

reactor_front::~reactor_front() {
    stop(0s);
    // Connections that are left hold places and replies of their own worker's calls.
    for (auto& each : workers_) { each.connections.reset(); }
}

/// The shards themselves say where they are. Nobody drives them yet but this thread.
std::vector<kv_shard*> reactor_front::locate_shards() {
    struct locating final : reply_taker {
        explicit locating(std::size_t shards) : found(shards) {}
        void on_reply(std::uint64_t worker, std::uint32_t, numasio::error_code ec, kv_reply reply) override {
            if (ec) { throw boost::system::system_error(ec, "looking for the shards"); }
            found[worker] = static_cast<kv_shard*>(reply.staged);
            --missing;
        }
        std::vector<kv_shard*> found;
        std::size_t missing = found.size();
    };
    const auto all = std::make_shared<locating>(port_.workers());
    kv_request request;
    request.op = kv_op::locate;
    for (std::uint32_t w = 0; w < port_.workers(); ++w) {
        port_.async_call(port_.at(w), request, reply_address{all, w, 0});
        bridge_.invoker_of(pool_name_, w).invoke();
    }
    while (all->missing != 0) { control_.run_one(); }
    control_.restart();  // it may have had nothing else to do
    return all->found;
}

/// On its own thread: the memory is that thread's from now on, and so is all that lives there.
void reactor_front::set_up(std::uint32_t number) {
    std::promise<void> done;
    executors_[number].execute([&] {
        auto& here = workers_[number];
        try {
            here.driver->pin();  // it is already; now the bridge's placements say so
            here.driver->invoke();
            here.connections.emplace(executors_[number], *here.calls, here.state, std::vector<std::uint32_t>{number});
            here.connections->start();
            done.set_value();
        } catch (...) {
            done.set_exception(std::current_exception());
        }
    });
    done.get_future().get();
}

// --- connections ----------------------------------------------------------------------------------

void reactor_front::take(asio::ip::tcp::socket socket, std::uint64_t id) {
    const auto to = pool_.least_loaded();
    auto& chosen = workers_[static_cast<std::size_t>(std::ranges::find(executors_, to) - executors_.begin())];
    const auto refused = pool_.hand_over(std::move(socket), to, [&chosen, id](numasio::reactor_connection arrived) {
        chosen.connections->add(asio::ip::tcp::socket(std::move(arrived.socket)), id, std::move(arrived.open));
    });
    if (!refused) { return; }
    --counts_.open;
    ++counts_.refused;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(std::string_view("-ERR no worker has room for another connection, try again\r\n")), ignored);
}

// --- while it runs --------------------------------------------------------------------------------

/// Four times a second: is every worker on its CPU? Once a second each answers a request of the bridge's, behind what it is at: so the
/// bridge's figures (memory in use, where it ran, how long it took to come to it) are of now.
void reactor_front::look_after() {
    looks_.expires_after(250ms);
    looks_.async_wait([this](error_code ec) {
        if (ec || stopping_) { return; }
        pool_.look_after([this](const numasio::placement& changed) {
            if (told_) { told_({changed}); }
        });
        if (++looked_ % 4 == 0) { ask_all(); }
        look_after();
    });
}

void reactor_front::ask_all() {
    kv_request request;
    request.op = kv_op::facts;
    for (std::uint32_t w = 0; w < port_.workers(); ++w) {
        port_.async_call(port_.at(w), request, [](numasio::error_code, kv_reply) {});
        executors_[w].execute([driver = *workers_[w].driver]() mutable { driver.invoke(); });
    }
}

// --- the end --------------------------------------------------------------------------------------

void reactor_front::finish(std::function<void()> drained) {
    stopping_ = true;
    looks_.cancel();
    undrained_ = workers_.size();
    const auto one_has = [this, drained = std::move(drained)] {
        if (--undrained_ == 0 && !aborted_) { drained(); }
    };
    for (std::uint32_t w = 0; w < workers_.size(); ++w) {
        executors_[w].execute([this, w, one_has] {
            workers_[w].connections->finish([this, one_has] { asio::post(control_, one_has); });
        });
    }
}

std::size_t reactor_front::abort() {
    constexpr auto patience = 500ms;  // a worker that does not answer has nothing to count either
    stopping_ = aborted_ = true;
    looks_.cancel();
    std::vector<std::future<std::size_t>> counted;
    for (std::uint32_t w = 0; w < workers_.size(); ++w) {
        auto count = std::make_shared<std::promise<std::size_t>>();
        counted.push_back(count->get_future());
        executors_[w].execute([this, w, count] { count->set_value(workers_[w].connections->abort()); });
    }
    std::size_t lost = 0;
    for (auto& one : counted) {
        if (one.wait_for(patience) == std::future_status::ready) { lost += one.get(); }
    }
    return lost;
}

void reactor_front::stop(std::chrono::nanoseconds patience) {
    stopping_ = true;
    looks_.cancel();
    pool_.stop(patience);
}

}  // namespace kv
