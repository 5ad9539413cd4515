// One connection's replies come in the order of its commands, whatever worker each of them was for.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace kv::test {

class order : public on_each_front {};

INSTANTIATE_TEST_SUITE_P(fronts, order, every_shape(), shape_name);

TEST_P(order, replies_come_in_the_order_of_the_commands) {
    kv_program server(plan());
    wire client(server.port);
    std::string bytes;
    std::vector<std::string> expected;
    const auto add = [&](const std::vector<std::string>& words, std::string reply) {
        bytes += resp(words);
        expected.push_back(std::move(reply));
    };
    for (int i = 0; i < 5000; ++i) {
        const auto n = std::to_string(i);
        const auto key = "k" + std::to_string(i % 97);
        switch (i % 7) {
            case 0: add({"ECHO", n}, bulk(n)); break;
            case 1: add({"SET", key, n}, ok); break;
            case 2: add({"SET", key, n, "GET"}, {}); add({"GET", key}, bulk(n)); break;
            case 3: add({"MSET", "a", n, "b", n, "c", n, "d", n}, ok);
                    add({"MGET", "d", "c", "none", "b", "a"},
                        "*5\r\n" + bulk(n) + bulk(n) + null + bulk(n) + bulk(n)); break;
            case 4: add({"INCR", "counter"}, integer((i - 4) / 7 + 1)); break;
            case 5: add({"nosuch"}, error("unknown command 'nosuch', with args beginning with: ")); break;
            default: add({"STRLEN", "none"}, integer(0));
        }
    }
    std::thread sender([&] { client.send(bytes); });  // we must read while we send: the server bounds what it owes
    const auto got = client.read_replies(expected.size());
    sender.join();
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (!expected[i].empty()) { ASSERT_EQ(got[i], expected[i]) << i; }
    }
}

TEST_P(order, a_multi_key_write_is_seen_whole_or_not_at_all_by_others) {
    kv_program server(plan());
    std::thread writer([&] {
        wire client(server.port);
        for (int i = 0; i < 2000; ++i) {
            const auto n = std::to_string(i);
            ASSERT_EQ(client.call({"MSET", "a", n, "b", n, "c", n, "d", n, "e", n}), ok);
        }
    });
    wire client(server.port);
    for (int i = 0; i < 2000; ++i) {
        client.send(resp({"MGET", "a", "b", "c", "d", "e"}));
        const auto reply = client.read_reply();
        const auto first = reply.substr(4, (reply.size() - 4) / 5);
        ASSERT_EQ(reply, "*5\r\n" + first + first + first + first + first);
    }
    writer.join();
}

}  // namespace kv::test
