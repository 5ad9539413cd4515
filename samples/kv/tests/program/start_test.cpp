// Starting: what goes wrong is one clear message and exit code 2, before anything is pinned.
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <memory>

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

class started : public on_each_front {};
INSTANTIATE_TEST_SUITE_P(fronts, started, every_shape(), shape_name);

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

TEST(start, a_front_that_there_is_not_is_refused_with_file_line_and_the_two_that_there_are) {
    scratch_folder folder;
    const auto plan = folder.write("plan.yaml", "version: 1\npools:\n  kv:\n    front: reactors\nlisteners: { kv: 127.0.0.1:0 }\n");
    for (const auto& arguments : {std::vector<std::string>{plan}, {"--check", plan}}) {
        const auto output = failure(arguments);
        EXPECT_TRUE(contains(output, plan + ":4:12: pools.kv.front: \"reactors\" is not known; expected lanes or reactor")) << output;
        EXPECT_TRUE(contains(output, "did you mean reactor?")) << output;
    }
}

TEST_P(started, says_which_front_it_has_and_that_its_workers_are_pinned) {
    kv_program server(plan());
    EXPECT_TRUE(contains(server.output(), "front: " + GetParam().front)) << server.output();
    EXPECT_TRUE(contains(server.output(), "kv/0 cpu: asked CPU")) << server.output();
    EXPECT_FALSE(contains(server.output(), "the caller's thread")) << server.output();
    EXPECT_TRUE(contains(server.http_get("/status"), "\"front\":\"" + GetParam().front + "\""));
    wire client(server.port);
    EXPECT_EQ(client.info("numasio_workers"), GetParam().workers);
    EXPECT_EQ(client.info("numasio_fronts"), GetParam().front == "lanes" ? 1 : GetParam().workers);
}

TEST_P(started, whoever_asks_is_told_of_the_clients_of_all_workers) {
    kv_program server(plan());
    std::vector<std::unique_ptr<wire>> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(std::make_unique<wire>(server.port));
        ASSERT_EQ(clients.back()->call({"CLIENT", "SETNAME", "c" + std::to_string(i)}), "+OK\r\n");
    }
    for (const auto& asking : clients) {
        const auto list = asking->call({"CLIENT", "LIST"});
        for (int i = 0; i < 5; ++i) { EXPECT_TRUE(contains(list, "name=c" + std::to_string(i) + " ")) << list; }
        const auto one = asking->call({"CLIENT", "LIST", "ID", "3"});
        EXPECT_TRUE(contains(one, "id=3 ") && contains(one, "name=c2 ")) << one;
        EXPECT_EQ(asking->info("connected_clients"), 5);
    }
}

TEST(start, a_plan_without_its_pool_or_listener_is_refused) {
    scratch_folder folder;
    const auto refused = [&](const std::string& name, const std::string& rest, const std::string& message) {
        const auto file = folder.write(name, "version: 1\n" + rest);
        for (const auto& arguments : {std::vector<std::string>{file}, {"--check", "--plan=" + file}}) {
            const auto output = failure(arguments);
            EXPECT_TRUE(contains(output, file + ": " + message)) << output;
        }
    };
    refused("a.yaml", "pools: { kv: auto }\n",
            "the plan has no listener \"kv\" (listeners that it has: none); add the line "
            "\"listeners: { kv: 127.0.0.1:7379 }\"");
    refused("b.yaml", "pools: { kv: auto }\nlisteners: { http: 127.0.0.1:0, vk: 127.0.0.1:0 }\n",
            "the plan has no listener \"kv\" (listeners that it has: http, vk); add to its section \"listeners\" the line "
            "\"kv: 127.0.0.1:7379\"");
    refused("c.yaml", "pools: { other: auto }\nlisteners: { kv: 127.0.0.1:0 }\n",
            "the plan has no pool \"kv\" (pools that it has: other); add to its section \"pools\" the line \"kv: auto\"");
    refused("d.yaml", "pools: { kv: auto, other: auto }\nlisteners: { kv: 127.0.0.1:0 }\n",
            "numasio-kv has no service for the pool \"other\"");
    refused("e.yaml", "pools: { kv: { lane: 1 } }\nlisteners: { kv: 127.0.0.1:0 }\n",
            "pools.kv.lane.capacity: 1 place has no room for an MSET");
    refused("f.yaml", "pools: { kv: { idle: caller_drives } }\nlisteners: { kv: 127.0.0.1:0 }\n",
            "pools.kv.idle.strategy: numasio-kv has no loop that would run a worker of caller_drives");
}

TEST(start, check_refuses_an_address_that_the_start_would_refuse) {
    scratch_folder folder;
    const auto with = [&](const std::string& listeners) {
        return folder.write("plan.yaml", "version: 1\npools: { kv: auto }\nlisteners: { " + listeners + " }\n");
    };
    const auto open_http = failure({"--check", with("kv: 127.0.0.1:0, http: 0.0.0.0:0")});
    EXPECT_TRUE(contains(open_http, "listeners.http: 0.0.0.0 can be reached from other machines")) << open_http;
    const auto not_ours = failure({"--check", with("kv: 192.0.2.1:7379")});  // nobody's: RFC 5737
    EXPECT_TRUE(contains(not_ours, "192.0.2.1")) << not_ours;
    EXPECT_TRUE(contains(not_ours, "ip address")) << not_ours;
}

TEST(start, a_listener_that_nothing_serves_is_named) {
    scratch_folder folder;
    const auto plan = folder.write("plan.yaml", "version: 1\npools: { kv: auto }\n"
                                                "listeners: { kv: 127.0.0.1:0, htpp: 127.0.0.1:9464 }\n");
    program check({KV_PROGRAM, "--check", plan});
    EXPECT_EQ(check.wait(), 0) << check.output();
    EXPECT_TRUE(contains(check.output(), "nothing listens on 127.0.0.1:9464: listener \"htpp\"")) << check.output();
    program started({KV_PROGRAM, plan});
    EXPECT_FALSE(started.wait_for("try ").empty()) << started.output();
    EXPECT_TRUE(contains(started.output(), "listener \"htpp\"")) << started.output();
    EXPECT_FALSE(contains(started.output(), "listener \"kv\"")) << started.output();
}

TEST(start, an_options_value_may_follow_an_equals_sign) {
    program p({KV_PROGRAM, "--port=0", "--http-port=0", "--simulate-nodes=1"});
    EXPECT_FALSE(p.wait_for("try ").empty()) << p.output();
    EXPECT_TRUE(contains(p.output(), "simulated")) << p.output();
    EXPECT_TRUE(contains(failure({"--port=70000"}), "65535"));
    EXPECT_TRUE(contains(failure({"--port="}), "--port needs a number"));
    EXPECT_TRUE(contains(failure({"--check=yes"}), "--check takes no value"));
    EXPECT_TRUE(contains(failure({"--nonsense=1"}), "unknown option --nonsense"));
}

TEST(start, version_is_the_packages) {
    program p({KV_PROGRAM, "--version"});
    EXPECT_EQ(p.wait(), 0);
    EXPECT_EQ(p.output(), "numasio-kv " KV_VERSION "\n");
}

TEST(start, wrong_options_are_refused_by_name) {
    EXPECT_TRUE(contains(failure({"--nonsense"}), "--nonsense"));
    EXPECT_TRUE(contains(failure({"--port"}), "--port needs a value"));
    EXPECT_TRUE(contains(failure({"--port", "70000"}), "65535"));
    EXPECT_TRUE(contains(failure({"--front", "reactors"}), "--front needs lanes or reactor, not \"reactors\""));
    EXPECT_TRUE(contains(failure({"--simulate-nodes", "1025"}), "--simulate-nodes needs a number from 0 to 1024"));
}

TEST(start, check_says_what_the_plan_means_and_leaves) {
    kv_program beside;  // a check leaves its ports alone
    program p({KV_PROGRAM, "--check", "--port", std::to_string(beside.port)});
    EXPECT_EQ(p.wait(), 0) << p.output();
    EXPECT_TRUE(contains(p.output(), "kv/0: CPU")) << p.output();
}

TEST_P(started, with_simulated_nodes_says_so) {
    program p({KV_PROGRAM, "--simulate-nodes", "1", "--port", "0", "--http-port", "0", "--front", GetParam().front});
    EXPECT_FALSE(p.wait_for("try ").empty()) << p.output();
    EXPECT_TRUE(contains(p.output(), "simulated")) << p.output();
}

TEST_P(started, the_line_to_try_works) {
    kv_program server(plan());
    program cli({"redis-cli", "-p", std::to_string(server.port), "set", "greeting", "hello"});
    EXPECT_EQ(cli.wait(), 0);
    EXPECT_EQ(cli.output(), "OK\n");
}

TEST_P(started, redis_benchmark_ends_without_an_error) {
    kv_program server(plan());
    program bench({"redis-benchmark", "-p", std::to_string(server.port), "-n", "10000", "-c", "50", "-P", "16", "-t",
                   "ping,set,get,incr,mset", "--csv"});
    EXPECT_EQ(bench.wait(std::chrono::seconds(150)), 0);
    const auto output = bench.output();
    EXPECT_TRUE(contains(output, "MSET (10 keys)")) << output;
    EXPECT_FALSE(contains(output, "rror")) << output;
}

}  // namespace kv::test
