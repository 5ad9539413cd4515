// Plain Asio: post to another io_context and back, by callbacks and by coroutines. Both contexts have the concurrency hint 1.
#include "empty_task.hpp"
#include "round_trips.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <thread>

namespace numasio::bench {
namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

void rethrow(std::exception_ptr fault) {
    if (fault) { std::rethrow_exception(fault); }
}

/// Keeps its own context's work while it is in the other one: post counts no work of the context that it comes back to.
struct next_call {
    asio::io_context& io;
    asio::io_context& other;
    int& left;
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    void operator()() {
        if (left-- <= 0) { return; }
        asio::post(other, [self = std::move(*this)]() mutable {
            auto& home = self.io;
            asio::post(home, std::move(self));
        });
    }
};

/// Posting with an awaitable's token runs it on the other context and then resumes the coroutine on its own.
template <class Token>
asio::awaitable<void> caller(asio::io_context& other, int& left, Token token) {
    while (left-- > 0) { co_await asio::post(other, token); }
}

class asio_rig final : public rig {
public:
    explicit asio_rig(const std::vector<cpu_id>& cpus) : here_(cpus[0]), worker_([this, there = cpus[1]] {
        pin(there);
        other_.run();
    }) {}
    ~asio_rig() override {
        keep_.reset();
        worker_.join();
    }

    std::vector<contender> round_trips(int in_flight, int count) override {
        return {{"asio::post both ways, callbacks", [=, this] { return callbacks(in_flight, count); }},
                {"asio::post both ways, co_await", [=, this] { return coroutines(in_flight, count, asio::use_awaitable); }},
                {"asio::post both ways, co_await deferred", [=, this] { return coroutines(in_flight, count, asio::deferred); }}};
    }
    std::vector<contender> one_way(int count) override {
        return {{"asio::post to an io_context", [=, this] { return posts(count); }}};
    }

private:
    double callbacks(int in_flight, int count) {
        begin();
        int left = count;
        const auto start = clock_type::now();
        for (int i = 0; i < in_flight; ++i) { next_call{io_, other_, left}(); }
        io_.run();
        return count / seconds_since(start) / 1e6;
    }
    template <class Token>
    double coroutines(int in_flight, int count, Token token) {
        begin();
        int left = count;
        const auto start = clock_type::now();
        for (int i = 0; i < in_flight; ++i) { asio::co_spawn(io_, caller(other_, left, token), rethrow); }
        io_.run();
        return count / seconds_since(start) / 1e6;
    }
    double posts(int count) {
        begin();
        task_count done;
        const auto start = clock_type::now();
        for (int i = 0; i < count; ++i) { asio::post(other_, empty_task(done)); }
        done.wait_for(static_cast<std::uint64_t>(count));
        return count / seconds_since(start) / 1e6;
    }
    void begin() {
        pin(here_);
        io_.restart();
    }

    cpu_id here_;
    asio::io_context io_{1};
    asio::io_context other_{1};
    asio::executor_work_guard<asio::io_context::executor_type> keep_{other_.get_executor()};
    std::thread worker_;
};

}  // namespace

std::unique_ptr<rig> make_asio_rig(const std::vector<cpu_id>& cpus) { return std::make_unique<asio_rig>(cpus); }

}  // namespace numasio::bench
