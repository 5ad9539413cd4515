// What tests put on the workers of a pool: objects that tell where they are built, asked, stopped and destroyed.
#ifndef NUMASIO_TESTS_SUPPORT_SHARDS_HPP
#define NUMASIO_TESTS_SUPPORT_SHARDS_HPP

#include <gtest/gtest.h>

#include <atomic>
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

}  // namespace numasio::test

#endif
