// The public server and texts over a real bridge with a real pinned worker.
#include "raw_client.hpp"

#include <numasio/bridge.hpp>
#include <numasio/control_server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct doubler {
    explicit doubler(node_context&) {}
    int operator()(int x) const noexcept { return 2 * x; }
};

plan one_worker() {
    pool_plan pool;
    pool.name = "double";
    pool.workers_per_node = 1;
    pool.nodes = {discover_topology().executor_nodes().front()};
    pool.memory.per_worker = bytes{1U << 20};
    pool.slo = slo_plan{0.99, 1s};
    plan asked;
    asked.pools.push_back(pool);
    asked.listeners.push_back({"http", "127.0.0.1", 0});
    return asked;
}

/// Counts the requests that the metrics text says were offered.
double offered_in(const std::string& text) {
    double sum = 0;
    const std::string name = "\nnumasio_lane_offered_total{";
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
        const auto end = text.find('\n', at + 1);
        sum += std::stod(text.substr(text.rfind(' ', end) + 1));
    }
    return sum;
}

class real_bridge : public ::testing::Test {
protected:
    std::string ask(const char* path) {
        raw_client client(server_.port());
        client.send(get(path, "Connection: close\r\n"));
        return client.read_to_end().value_or("");
    }
    ~real_bridge() override {
        bridge_.stop(1s);
        server_.stop();
        work_.reset();
        runner_.join();
    }

    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    bridge bridge_{io_.get_executor(), one_worker()};
    port<int, int>& port_ = bridge_.open<int, int, doubler>("double");
    control_server server_{io_.get_executor(), bridge_, *bridge_.asked().find_listener("http")};
    std::thread runner_{[this] { io_.run(); }};
};

TEST_F(real_bridge, is_ready_only_between_start_and_stop) {
    EXPECT_EQ(status_of(ask("/readyz")), 503U);
    EXPECT_EQ(status_of(ask("/healthz")), 200U);
    EXPECT_THAT(banner(bridge_), HasSubstr("not started"));
    bridge_.start();
    EXPECT_EQ(status_of(ask("/readyz")), 200U);
    EXPECT_EQ(status_of(ask("/healthz")), 200U);
    bridge_.stop(1s);
    const auto stopped = ask("/readyz");
    EXPECT_EQ(status_of(stopped), 503U);
    EXPECT_THAT(stopped, HasSubstr("not accepting: stopped"));
    EXPECT_EQ(status_of(ask("/healthz")), 200U);
}

TEST_F(real_bridge, counts_each_request_in_the_metrics) {
    bridge_.start();
    for (int i = 0; i < 100; ++i) { ASSERT_EQ(port_.async_call({0}, i, boost::asio::use_future).get(), 2 * i); }
    const auto text = ask("/metrics");
    EXPECT_EQ(offered_in(text), 100);
    EXPECT_THAT(text, HasSubstr("numasio_slo_requests_total{pool=\"double\"} 100\n"));
    EXPECT_THAT(text, HasSubstr("numasio_requests_failed_total{pool=\"double\",worker=\"0\""));
    const auto status = status_json(bridge_);
    EXPECT_THAT(status, HasSubstr(R"("placements":[{"owner":)"));
    EXPECT_THAT(status, HasSubstr(R"("state":"running")"));
}

TEST_F(real_bridge, shows_the_machine_and_its_placements_in_the_banner) {
    bridge_.start();
    const auto text = banner(bridge_);
    EXPECT_THAT(text, HasSubstr(to_text(bridge_.machine())));
    for (const auto& placement : bridge_.placements()) { EXPECT_THAT(text, HasSubstr(to_text(placement))); }
    EXPECT_THAT(text, Not(HasSubstr("not started")));
    RecordProperty("banner", text);
}

TEST_F(real_bridge, finds_a_port_in_use_before_a_worker_is_pinned) {
    EXPECT_THROW(control_server(io_.get_executor(), bridge_, {"http", "127.0.0.1", server_.port()}),
                 boost::system::system_error);
    EXPECT_THROW(control_server(io_.get_executor(), bridge_, {"http", "0.0.0.0", 0}), std::invalid_argument);
    EXPECT_TRUE(bridge_.placements().empty());
}

}  // namespace
}  // namespace numasio::test
