// Signals: those of the process stay away from the threads that numasio starts, and those that come to them all the same lose nothing.
#include "control_plane/bridge/bridge_fixture.hpp"

#include "support/time_given.hpp"

#include <numasio/node_pool.hpp>
#include <numasio/reactor_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>

#include <sys/syscall.h>

namespace numasio::test {
namespace {

/// Of the threads of this process by name: which signals each of them blocks.
std::map<std::string, std::set<int>> blocked_signals() {
    std::map<std::string, std::set<int>> out;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "status");
        std::string word, name;
        unsigned long long mask = 0;
        while (file >> word) {
            if (word == "Name:") { file >> name; }
            if (word == "SigBlk:") { file >> std::hex >> mask >> std::dec; }
        }
        auto& all = out[name];
        for (int signal = 1; signal <= 64; ++signal) {
            if ((mask >> (signal - 1) & 1U) != 0) { all.insert(signal); }
        }
    }
    return out;
}

TEST(signals, of_the_process_are_left_to_the_threads_of_the_program) {
    asio::io_context context;
    bridge b(context, of_all_kinds());
    b.open<int, int, incrementer>("p");
    ::sigset_t before{}, after{};
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &before), 0);
    b.start();
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &after), 0);
    EXPECT_TRUE(within(10s, [] { return blocked_signals().contains("numasio/watch"); }));  // it is not waited for
    const auto of = blocked_signals();
    for (const auto* const name : {"p/0", "hot/0", "front/0", "numasio/watch"}) {
        ASSERT_TRUE(of.contains(name)) << name;
        EXPECT_THAT(of.at(name), testing::IsSupersetOf({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGWINCH})) << name;
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPIPE, SIGPROF, SIGRTMIN + 3, SIGRTMAX}) {
            EXPECT_FALSE(of.at(name).contains(own)) << name << " blocks " << own;
        }
    }
    for (int signal = 1; signal <= 64; ++signal) { EXPECT_EQ(::sigismember(&before, signal), ::sigismember(&after, signal)) << signal; }
}

/// A thousand times a second a signal to each thread that there was; its handler restarts no system call.
class storm {
public:
    storm() {
        struct sigaction handled {};
        handled.sa_handler = [](int) { handled_.fetch_add(1, std::memory_order_relaxed); };
        EXPECT_EQ(::sigaction(number, &handled, nullptr), 0);
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            threads_.push_back(static_cast<pid_t>(std::stol(task.path().filename())));
        }
        sender_ = std::thread([this] {
            while (!ends_) {
                for (const auto thread : threads_) { ::syscall(SYS_tgkill, ::getpid(), thread, number); }
                std::this_thread::sleep_for(1ms);
            }
        });
    }
    ~storm() {
        ends_ = true;
        sender_.join();
        std::signal(number, SIG_IGN);  // one may be under way
    }
    static std::uint64_t handled() { return handled_; }

private:
    const int number = SIGRTMIN + 7;
    static inline std::atomic<std::uint64_t> handled_{0};
    std::vector<pid_t> threads_;
    std::atomic<bool> ends_{false};
    std::thread sender_;
};

asio::awaitable<int> calls_and_naps(port<int, int>& service, int rounds) {
    asio::steady_timer nap(co_await asio::this_coro::executor);
    int right = 0;
    for (int i = 0; i < rounds; ++i) {
        right += co_await service.async_call(service.home_of(i), i, asio::use_awaitable) == i + 1;
        nap.expires_after(100us);  // so that all fall asleep now and then
        co_await nap.async_wait(asio::use_awaitable);
    }
    co_return right;
}

TEST(signals, that_storm_all_threads_lose_nothing) {
    constexpr int rounds = 1000;
    asio::io_context context;
    bridge b(context, of_all_kinds());
    auto& service = b.open<int, int, incrementer>("p");
    b.start();
    auto work = asio::make_work_guard(context);
    std::thread control([&] { context.run(); });
    {
        const storm all_over;
        std::vector<std::future<int>> right;
        right.push_back(asio::co_spawn(context, calls_and_naps(service, rounds), asio::use_future));
        right.push_back(asio::co_spawn(b.tasks("hot").get_executor(), calls_and_naps(service, rounds), asio::use_future));
        right.push_back(asio::co_spawn(b.reactors("front").on(0), calls_and_naps(service, rounds), asio::use_future));
        for (auto& one : right) { EXPECT_EQ(one.get(), rounds); }
        EXPECT_TRUE(within(10s, [] { return storm::handled() > 500; }));
        EXPECT_TRUE(b.stop(10s).drained());
    }
    work.reset();
    control.join();
}

}  // namespace
}  // namespace numasio::test
