// [drain-2]: the look for more replies runs beside the next drain. ThreadSanitizer sees it if they share a plain word.
#include <numasio/detail/lane.hpp>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <memory_resource>
#include <thread>

namespace numasio::detail {
namespace {

TEST(drain_overlap, looking_for_more_replies_beside_a_drain_races_with_nothing_and_every_reply_is_delivered) {
    constexpr int rounds = 2'000;
    lane<int, int> requests(8, *std::pmr::new_delete_resource());
    boost::asio::io_context io;
    serve_context serving;
    single_writer_histogram round_trips;
    const auto abandoned = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> looks{0};

    // A drain on its way out: it has given the drain up and looks once more.
    std::thread leaving([&] {
        while (!over.load(std::memory_order_relaxed)) {
            requests.has_replies();
            looks.fetch_add(1, std::memory_order_relaxed);
        }
    });
    int sum = 0;
    for (int i = 0; i < rounds || looks.load(std::memory_order_relaxed) < 100; ++i) {
        const auto slot = requests.acquire();
        ASSERT_NE(slot, no_slot);
        requests.fill(slot, 1, [&](error_code, int reply) { sum += reply; }, io.get_executor(), steady_ns());
        requests.publish(slot);
        const auto add_one = [](int request) { return request + 1; };
        ASSERT_EQ(requests.serve(add_one, serving), 1u);
        delivery going(round_trips, abandoned);
        ASSERT_EQ(requests.deliver(8, going), 1u);  // the next drain
        ASSERT_EQ(requests.deliver(8, going), 0u);
        ASSERT_EQ(sum, 2 * (i + 1));
    }
    over.store(true, std::memory_order_relaxed);
    leaving.join();
}

}  // namespace
}  // namespace numasio::detail
