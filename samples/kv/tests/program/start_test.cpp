// Starting: what goes wrong is one clear message and exit code 2, before anything is pinned.
#include "support/program.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

namespace kv::test {
namespace {

std::string failure(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), KV_PROGRAM);
    program p(std::move(arguments));
    EXPECT_EQ(p.wait(), 2) << p.output();
    return p.output();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST(start, a_port_in_use_is_named_with_its_remedy_before_a_worker_is_pinned) {
    kv_program first;
    const auto output = failure({"--port", std::to_string(first.port), "--http-port", "0"});
    EXPECT_TRUE(contains(output, "127.0.0.1:" + std::to_string(first.port))) << output;
    EXPECT_TRUE(contains(output, "--port")) << output;
    EXPECT_FALSE(contains(output, "honoured")) << output;
    const auto http = failure({"--port", "0", "--http-port", std::to_string(first.http_port)});
    EXPECT_TRUE(contains(http, "--http-port")) << http;
}

TEST(start, a_wrong_plan_is_refused_with_file_line_and_key) {
    scratch_folder folder;
    const auto plan = folder.write("bad.yaml", "version: 1\npools:\n  kv:\n    wrong_key: 3\n");
    const auto output = failure({"--plan", plan});
    EXPECT_TRUE(contains(output, plan + ":4")) << output;
    EXPECT_TRUE(contains(output, "wrong_key")) << output;
}

TEST(start, a_plan_without_its_pool_or_listener_is_refused) {
    scratch_folder folder;
    EXPECT_TRUE(contains(failure({folder.write("a.yaml", "version: 1\npools: { kv: auto }\n")}), "listener \"kv\""));
    EXPECT_TRUE(contains(failure({folder.write("b.yaml", "version: 1\npools: { other: auto }\n"
                                                         "listeners: { kv: 127.0.0.1:0 }\n")}), "pool"));
}

TEST(start, wrong_options_are_refused_by_name) {
    EXPECT_TRUE(contains(failure({"--nonsense"}), "--nonsense"));
    EXPECT_TRUE(contains(failure({"--port"}), "--port needs a value"));
    EXPECT_TRUE(contains(failure({"--port", "70000"}), "65535"));
    EXPECT_TRUE(contains(failure({"--simulate-nodes", "0"}), "--simulate-nodes"));
}

TEST(start, check_says_what_the_plan_means_and_leaves) {
    program p({KV_PROGRAM, "--check"});
    EXPECT_EQ(p.wait(), 0) << p.output();
    EXPECT_TRUE(contains(p.output(), "kv/0: CPU")) << p.output();
}

TEST(start, simulated_nodes_are_called_simulated) {
    program p({KV_PROGRAM, "--simulate-nodes", "1", "--port", "0", "--http-port", "0"});
    EXPECT_FALSE(p.wait_for("try ").empty()) << p.output();
    EXPECT_TRUE(contains(p.output(), "simulated")) << p.output();
}

TEST(start, the_line_to_try_works) {
    kv_program server;
    program cli({"redis-cli", "-p", std::to_string(server.port), "set", "greeting", "hello"});
    EXPECT_EQ(cli.wait(), 0);
    EXPECT_EQ(cli.output(), "OK\n");
}

TEST(start, redis_benchmark_ends_without_an_error) {
    kv_program server;
    program bench({"redis-benchmark", "-p", std::to_string(server.port), "-n", "10000", "-c", "50", "-P", "16", "-t",
                   "ping,set,get,incr,mset", "--csv"});
    EXPECT_EQ(bench.wait(std::chrono::seconds(150)), 0);
    const auto output = bench.output();
    EXPECT_TRUE(contains(output, "MSET (10 keys)")) << output;
    EXPECT_FALSE(contains(output, "rror")) << output;
}

}  // namespace kv::test
