// Bounds on time that hold on a machine that is shared, or emulated.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace numasio::test {

/// Time as this machine gives it, counted in sleeps of a thread of its own: where a neighbour's load, or the turns that emulated
/// processors take, make everything late, they make this late too. Never more than what the clock says.
class time_given {
public:
    static constexpr std::chrono::milliseconds step{5};

    time_given() : thread_([this] {
        while (!ends_) {
            std::this_thread::sleep_for(step);
            ++steps_;
        }
    }) {}
    ~time_given() {
        ends_ = true;
        thread_.join();
    }
    time_given(const time_given&) = delete;
    time_given& operator=(const time_given&) = delete;

    std::chrono::milliseconds so_far() const { return steps_.load() * step; }

private:
    std::atomic<bool> ends_{false};
    std::atomic<int> steps_{0};
    std::thread thread_;
};

/// Whether `done` comes true within that much of such time.
template <class Done>
bool within(std::chrono::milliseconds time, Done done) {
    const time_given waited;
    while (!done()) {
        if (waited.so_far() > time) { return false; }
        std::this_thread::sleep_for(time_given::step);
    }
    return true;
}

}  // namespace numasio::test
