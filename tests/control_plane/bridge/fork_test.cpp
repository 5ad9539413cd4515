// A forked child in mid-load: nothing in it waits for what stayed with the parent.
#include "control_plane/bridge/bridge_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace numasio::test {
namespace {

/// Forks; true where the child ends `what` and then itself in time.
template <class What>
bool child_ends(What what) {
    const auto child = ::fork();
    if (child == 0) {
        ::alarm(60);  // ends it with a signal
        what();
        std::_Exit(0);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Threads that call until the end, and threads that come, call once, and go.
class load {
public:
    explicit load(port<int, int>& to) {
        threads_.emplace_back([this, &to] {
            while (!over_) {
                if (to.try_call({0}, 1, [](error_code, int) {})) { std::this_thread::sleep_for(1ms); }  // full
            }
        });
        threads_.emplace_back([this, &to] {
            while (!over_) { std::thread([&to] { static_cast<void>(to.try_post({0}, 1)); }).join(); }
        });
    }
    ~load() {
        over_ = true;
        for (auto& t : threads_) { t.join(); }
    }

private:
    std::atomic<bool> over_{false};
    std::vector<std::thread> threads_;
};

TEST(fork, a_child_in_mid_load_is_refused_and_may_destroy_its_bridge) {
    asio::io_context io;
    const auto keeps = asio::make_work_guard(io);
    std::thread control([&] { io.run(); });
    std::optional<bridge> b(std::in_place, io.get_executor(), one_worker(1024));
    auto& p = b->open<int, int, incrementer>("p");
    b->start();
    {
        const load calls(p);
        for (int i = 0; i < 60; ++i) {
            ASSERT_TRUE(child_ends([&] {
                if (p.try_reserve({0}).error() != errc::forked) { std::_Exit(1); }
                const auto report = b->stop(10s);
                if (report.drained() || report.stuck != 1) { std::_Exit(2); }
                b.reset();
            })) << i;
        }
    }
    EXPECT_TRUE(b->stop(5s).drained());
    EXPECT_ACCOUNTS_BALANCE(b->status());
    io.stop();
    control.join();
}

TEST(fork, a_child_may_run_the_context_to_its_end_when_the_bridge_has_gone) {
    asio::io_context io;
    std::optional<bridge> b(std::in_place, io.get_executor(), one_worker());
    auto& p = b->open<int, int, gated>("p");
    b->start();
    gated::closed = true;
    error_code told;
    p.async_call({0}, 1, [&](error_code ec, int) { told = ec; });
    while (gated::entered.load() == 0) { std::this_thread::yield(); }
    b.reset();
    EXPECT_TRUE(child_ends([&] {
        io.notify_fork(asio::io_context::fork_child);
        io.run();
        if (told != errc::outcome_unknown) { std::_Exit(1); }
    }));
    io.run();
    EXPECT_EQ(told, errc::outcome_unknown);
    gated::reset();
}

TEST(fork, a_thread_of_the_child_that_had_lanes_ends) {
    asio::io_context io;
    bridge b(io.get_executor(), one_worker(1024));
    auto& p = b.open<int, int, incrementer>("p");
    b.start();
    {
        const load calls(p);
        for (int i = 0; i < 60; ++i) {
            std::atomic<bool> ended{false};
            std::thread forks([&] {
                static_cast<void>(p.try_post({0}, 1));
                ended = child_ends([] {
                    std::atexit([] { std::_Exit(0); });  // what follows is not this test's
                    std::exit(1);                        // destroys what is the thread's own first
                });
            });
            forks.join();
            ASSERT_TRUE(ended) << i;
        }
    }
    static_cast<void>(b.stop(5s));
    io.run();
}

}  // namespace
}  // namespace numasio::test
