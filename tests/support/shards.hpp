// What tests put on the workers of a pool: objects that tell where they are built, asked, stopped and destroyed.
#ifndef NUMASIO_TESTS_SUPPORT_SHARDS_HPP
#define NUMASIO_TESTS_SUPPORT_SHARDS_HPP

#include <numasio/errc.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace numasio::test {

/// What happened to a test's shards, in order.
struct shard_log {
    void add(std::string what) {
        const std::lock_guard lock(mutex);
        lines.push_back(std::move(what));
    }
    std::vector<std::string> all() {
        const std::lock_guard lock(mutex);
        return lines;
    }
    std::atomic<int> alive{0};
    std::atomic<bool> ends_anywhere{false};  // coroutines may keep a shard until its pool is destroyed
    std::mutex mutex;
    std::vector<std::string> lines;
};

/// Never leaves its thread: each of its functions looks.
class homebody {
public:
    homebody(shard_log& log, std::uint32_t place) : log_(log), place_(place) { ++log_.alive; }
    homebody(const homebody&) = delete;
    homebody& operator=(const homebody&) = delete;
    ~homebody() {
        if (!log_.ends_anywhere) { look(); }
        --log_.alive;
        log_.add("end " + std::to_string(place_));
    }
    void stop() {
        look();
        log_.add("stop " + std::to_string(place_));
    }
    std::uint32_t place() const {
        look();
        return place_;
    }
    int add(int n) {
        look();
        return count_ += n;
    }
    std::thread::id thread() const { return home_; }

private:
    void look() const { EXPECT_EQ(std::this_thread::get_id(), home_); }

    shard_log& log_;
    const std::uint32_t place_;
    const std::thread::id home_ = std::this_thread::get_id();
    int count_ = 0;
};

template <class Executor>
std::thread::id thread_of(const Executor& at) {
    return boost::asio::post(at, boost::asio::use_future([] { return std::this_thread::get_id(); })).get();
}

/// The code of the system_error that `f` throws.
template <class F>
error_code code_of(F&& f) {
    try {
        f();
    } catch (const boost::system::system_error& e) { return e.code(); }
    return {};
}
/// The same of what a future gets. It is kept meanwhile: how libstdc++ counts exceptions is hidden from ThreadSanitizer, how it counts futures is not.
template <class T>
error_code code_of(std::future<T> f) {
    const auto kept = f.share();
    return code_of([&] { kept.get(); });
}
template <class T>
std::string what_of(std::future<T> f) {
    const auto kept = f.share();
    try {
        kept.get();
    } catch (const std::exception& e) { return e.what(); }
    return {};
}
inline error_code code_in(const std::exception_ptr& failed) {
    return code_of([&] {
        if (failed) { std::rethrow_exception(failed); }
    });
}

}  // namespace numasio::test

#endif
