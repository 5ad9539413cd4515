// A real Prometheus scrapes the server and gives the same values back through its own interface.
#include "free_port.hpp"
#include "raw_client.hpp"
#include "running_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace numasio::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Runs the binary `prometheus` against one target until it is destroyed.
class prometheus_process {
public:
    explicit prometheus_process(std::uint16_t target) : port_(free_port()) {
        folder_ = std::filesystem::temp_directory_path() / ("numasio-prometheus-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
        std::ofstream(folder_ / "prometheus.yml") << "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
                                                     "scrape_configs:\n"
                                                     "  - job_name: numasio\n"
                                                     "    static_configs: [{targets: ['127.0.0.1:"
                                                  << target << "']}]\n";
        std::string arguments[]{"prometheus", "--config.file=" + (folder_ / "prometheus.yml").string(),
                                "--storage.tsdb.path=" + (folder_ / "data").string(),
                                "--web.listen-address=127.0.0.1:" + std::to_string(port_)};
        std::vector<char*> argv;
        for (auto& argument : arguments) { argv.push_back(argument.data()); }
        argv.push_back(nullptr);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 1, (folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        posix_spawn_file_actions_adddup2(&files, 1, 2);
        const int error = ::posix_spawnp(&process_, "prometheus", &files, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        if (error != 0) {
            process_ = 0;
            ADD_FAILURE() << "cannot run prometheus (Debian package prometheus): error " << error;
        }
    }
    ~prometheus_process() {
        if (process_ != 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        }
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    prometheus_process(const prometheus_process&) = delete;
    prometheus_process& operator=(const prometheus_process&) = delete;

    /// The reply to an instant query; empty while Prometheus does not answer.
    std::string query(const std::string& escaped) const {
        // A refused connection is no failure here: it may not be up yet.
        boost::asio::io_context io;
        boost::asio::ip::tcp::socket probe(io);
        boost::system::error_code refused;
        probe.connect({boost::asio::ip::address_v4::loopback(), port_}, refused);
        if (refused) { return {}; }
        raw_client client(port_);
        client.send("GET /api/v1/query?query=" + escaped + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
        return body_of(client.read_to_end().value_or(""));
    }
    std::string log() const {
        std::ostringstream text;
        text << std::ifstream(folder_ / "log").rdbuf();
        return text.str();
    }

private:
    std::uint16_t port_;
    std::filesystem::path folder_;
    pid_t process_ = 0;
};

std::string await(const prometheus_process& prometheus, const std::string& query, const std::string& wanted) {
    const auto until = std::chrono::steady_clock::now() + 60s;
    std::string reply;
    do {
        reply = prometheus.query(query);
        if (reply.find(wanted) != std::string::npos) { return reply; }
        std::this_thread::sleep_for(100ms);
    } while (std::chrono::steady_clock::now() < until);
    return reply;
}

TEST(prometheus_scrape, gives_back_the_values_that_were_served) {
    running_server running;
    const prometheus_process prometheus(running.port());
    EXPECT_THAT(await(prometheus, "up", R"(,"1"]})"), HasSubstr(R"(,"1"]})")) << prometheus.log();
    EXPECT_THAT(prometheus.query("sum(numasio_lane_offered_total)"), HasSubstr(R"("246"])"));
    EXPECT_THAT(prometheus.query("sum(numasio_lane_offered_total)-sum(numasio_lane_accepted_total)"
                                 "-sum(numasio_lane_rejected_total)-sum(numasio_lane_returned_total)-sum(numasio_lane_withdrawn_total)-sum(numasio_lane_waiting)"),
                HasSubstr(R"("0"])"));
    EXPECT_THAT(prometheus.query("sum(numasio_round_trip_seconds_count)"), HasSubstr(R"("192"])"));
    EXPECT_THAT(prometheus.query("count(numasio_page_locality_ratio)"), HasSubstr(R"("1"])")) << "the other was not measured";
    EXPECT_THAT(prometheus.query("sum(numasio_slo_good_total)/sum(numasio_slo_requests_total)"), HasSubstr(R"("0.9375"])"));
    // 90 of 96 took 30 us, so that the median lies in the bucket (20.48 us, 40.96 us].
    EXPECT_THAT(prometheus.query("histogram_quantile(0.5,sum(numasio_round_trip_seconds_bucket)by(le))>0.00002048"),
                HasSubstr(R"("value":[)"));
    EXPECT_THAT(prometheus.query("histogram_quantile(0.5,sum(numasio_round_trip_seconds_bucket)by(le))<0.00004096"),
                HasSubstr(R"("value":[)"));
}

}  // namespace
}  // namespace numasio::test
