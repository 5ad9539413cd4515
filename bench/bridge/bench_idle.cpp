// From the submission to a thread that sleeps until its first instruction there: a bare futex, a parked worker of the bridge, an idle io_context.
#include "one_worker.hpp"

#include <bench/peers/comparison.hpp>
#include <bench/peers/cpu_distance.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/bridge.hpp>
#include <numasio/detail/platform.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace numasio::bench;
using namespace std::chrono_literals;

constexpr auto idle_for = 300us;  // before each: long enough for the other side to fall asleep

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

/// The median of `count` wake-ups in microseconds. `wake()` makes the other side answer with when it ran; `answer` is 0 until then.
template <class Wake, class Before>
double median_us(int count, std::atomic<std::int64_t>& answer, Wake wake, Before before) {
    std::vector<std::int64_t> took;
    for (int i = 0; i < count; ++i) {
        answer = 0;
        before();
        std::this_thread::sleep_for(idle_for);
        const auto sent = now();
        wake();
        backoff waits;
        while (answer == 0) { waits.wait(); }
        took.push_back(answer - sent);
    }
    std::nth_element(took.begin(), took.begin() + count / 2, took.end());
    return static_cast<double>(took[static_cast<std::size_t>(count) / 2]) / 1e3;
}

/// A thread that sleeps on a word until it is changed, with nothing around it.
class futex_side {
public:
    explicit futex_side(numasio::cpu_id cpu) : thread_([this, cpu] { run(cpu); }) {}
    ~futex_side() {
        ends_ = true;
        wake();
        thread_.join();
    }
    void wake() {
        word_.fetch_add(1);
        numasio::detail::futex_wake_one(word_);
    }
    std::atomic<std::int64_t> answer{0};

private:
    void run(numasio::cpu_id cpu) {
        pin(cpu);
        for (std::uint32_t seen = 0; !ends_; ++seen) {
            while (word_ == seen) { numasio::detail::futex_wait(word_, seen); }
            answer = now();
        }
    }
    std::atomic<std::uint32_t> word_{0};
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

std::atomic<std::int64_t> served{0};
struct stamper {
    explicit stamper(numasio::node_context&) {}
    int operator()(int) const noexcept {
        served = now();
        return 0;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "waking a thread that sleeps: a bare futex, a parked worker, an idle io_context");
    const auto cpus = two_cpus(asked);
    const int count = asked.repeats(500);

    auto plan = one_worker_plan(cpus, "p");
    plan.pools[0].idle.strategy = numasio::idle_strategy::park;
    asio::io_context io{1};
    numasio::bridge b{io.get_executor(), plan};
    auto& p = b.open<int, int, stamper>("p");
    b.start();

    pin(cpus[0]);
    futex_side bare(cpus[1]);
    asio::io_context other{1};
    auto keep = asio::make_work_guard(other);
    std::thread idle([&] {
        pin(cpus[1]);
        other.run();
    });
    std::atomic<std::int64_t> posted{0};

    const auto drain = [&] {  // or the lane would be full one day
        io.restart();
        io.poll();
    };
    const std::vector<contender> all = {
        {"a bare futex", [&] { return median_us(count, bare.answer, [&] { bare.wake(); }, [] {}); }},
        {"numasio, worker parks", [&] { return median_us(count, served, [&] { static_cast<void>(p.try_post({0}, 1)); }, drain); }},
        {"asio::post to an idle io_context", [&] { return median_us(count, posted, [&] { asio::post(other, [&] { posted = now(); }); }, [] {}); }},
    };
    const auto rounds = interleave(all, asked.rounds, [&] { return distance_between(cpus[0], cpus[1]); });
    print_by_regime("Waking a thread that sleeps, p50", "us", all, rounds, {0, 2});

    keep.reset();
    idle.join();
    b.stop(1s);
}
