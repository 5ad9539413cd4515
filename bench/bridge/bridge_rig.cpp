// The bridge: async_call from an io_context, by callbacks and by coroutines; one way by posts.
#include "empty_task.hpp"
#include "one_worker.hpp"
#include "round_trips.hpp"

#include <numasio/bridge.hpp>
#include <numasio/call_batch.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <string>

namespace numasio::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

struct incrementer {
    explicit incrementer(node_context&) {}
    int operator()(int x) const noexcept { return x + 1; }
};

struct task_runner {
    explicit task_runner(node_context&) {}
    int operator()(empty_task task) const {
        task();
        return 0;
    }
};

void rethrow(std::exception_ptr fault) {
    if (fault) { std::rethrow_exception(fault); }
}

struct next_call {
    port<int, int>& p;
    int& left;
    void operator()(error_code ec, int) {
        if (ec) { give_up(1, "a call failed: " + ec.message()); }
        if (left-- > 0) { p.async_call({0}, 1, next_call{p, left}); }
    }
};

template <class Token>
asio::awaitable<void> caller(port<int, int>& p, int& left, Token token) {
    while (left-- > 0) { co_await p.async_call({0}, 1, token); }
}

class bridge_rig final : public rig {
public:
    explicit bridge_rig(const std::vector<cpu_id>& cpus)
        : here_(cpus[0]), calls_(io_.get_executor(), one_worker_plan(cpus, "calls")),
          increment_(calls_.open<int, int, incrementer>("calls")),
          tasks_(io_.get_executor(), one_worker_plan(cpus, "tasks")),
          run_(tasks_.open<empty_task, int, task_runner>("tasks")) {
        calls_.start();
        tasks_.start();
    }
    ~bridge_rig() override {
        calls_.stop(1s);
        tasks_.stop(1s);
    }

    std::vector<contender> round_trips(int in_flight, int count) override {
        return {{"numasio, callbacks", [=, this] { return callbacks(in_flight, count); }},
                {"numasio, co_await", [=, this] { return coroutines(in_flight, count, asio::use_awaitable); }},
                {"numasio, co_await deferred", [=, this] { return coroutines(in_flight, count, asio::deferred); }}};
    }
    std::vector<contender> one_way(int count) override {
        return {{"numasio try_post", [=, this] { return posts(count); }},
                {"numasio call_batch of 64 posts", [=, this] { return batches(count); }},
                {"numasio async_call with detached (replies included)", [=, this] { return detached(count); }}};
    }

private:
    double callbacks(int in_flight, int count) {
        begin();
        int left = count;
        const auto start = clock_type::now();
        for (int i = 0; i < in_flight; ++i) { next_call{increment_, left}({}, 0); }
        io_.run();
        return count / seconds_since(start) / 1e6;
    }
    template <class Token>
    double coroutines(int in_flight, int count, Token token) {
        begin();
        int left = count;
        const auto start = clock_type::now();
        for (int i = 0; i < in_flight; ++i) { asio::co_spawn(io_, caller(increment_, left, token), rethrow); }
        io_.run();
        return count / seconds_since(start) / 1e6;
    }
    double posts(int count) {
        return tasks_through(count, [this](empty_task&& task) { return run_.try_post({0}, std::move(task)); });
    }
    double batches(int count) {
        call_batch collected(run_, home{0});
        return tasks_through(count, [&](empty_task&& task) { return collected.try_post(std::move(task)); }, [&] { collected.send(); });
    }
    double detached(int count) {
        return tasks_through(count, [this](empty_task&& task) {
            auto place = run_.try_reserve({0});
            if (place) { run_.async_call(std::move(place), std::move(task), asio::detached); }
            return place.error() == errc::no_place ? error_code() : place.error();
        });
    }
    /// `hand_over(task)` answers with an error where it is not accepted.
    template <class HandOver, class Finish = void (*)()>
    double tasks_through(int count, HandOver hand_over, Finish finish = [] {}) {
        begin();
        task_count done;
        auto work = asio::make_work_guard(io_);
        const auto start = clock_type::now();
        for (int i = 0; i < count; ++i) {
            for (error_code refused; (refused = hand_over(empty_task(done)));) {
                if (refused != errc::lane_full) { give_up(1, "a task was refused: " + refused.message()); }
                io_.poll();  // the lane is full: take what has ended, which frees its slots
            }
        }
        finish();
        work.reset();
        io_.run();
        const auto took = seconds_since(start);
        if (done.ran.load() != static_cast<std::uint64_t>(count)) { give_up(1, "the bridge lost a task"); }
        return count / took / 1e6;
    }
    void begin() {
        pin(here_);
        io_.restart();
    }

    cpu_id here_;
    asio::io_context io_{1};
    bridge calls_;
    port<int, int>& increment_;
    bridge tasks_;
    port<empty_task, int>& run_;
};

}  // namespace

std::unique_ptr<rig> make_bridge_rig(const std::vector<cpu_id>& cpus) { return std::make_unique<bridge_rig>(cpus); }

}  // namespace numasio::bench
