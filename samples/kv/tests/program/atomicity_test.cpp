// Commands with several keys beside others that want the same keys: each happens whole, at one moment, or not at all.
#include "support/local_shards.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <utility>

namespace kv::test {
namespace {

using word_list = std::vector<std::string>;

/// Sends all that `make` returns for 0, 1, … `count` - 1, as fast as it is taken.
template <class Make>
word_list pipelined(std::uint16_t port, int count, Make make) {
    wire client(port);
    std::string bytes;
    for (int i = 0; i < count; ++i) { bytes += resp(make(i)); }
    std::thread sender([&] { client.send(bytes); });
    auto out = client.read_replies(static_cast<std::size_t>(count));
    sender.join();
    return out;
}

word_list keys_of_round(int round, int from = 0) {
    constexpr int keys = 6;  // on all workers there are
    word_list out;
    for (int k = 0; k < keys; ++k) { out.push_back(std::to_string(round) + ":" + std::to_string((k + from) % keys)); }
    return out;
}

word_list with_value(std::string name, const word_list& keys, const std::string& value) {
    word_list out = {std::move(name)};
    for (const auto& key : keys) {
        out.push_back(key);
        out.push_back(value);
    }
    return out;
}

word_list mget(const word_list& keys) {
    word_list out = {"MGET"};
    out.insert(out.end(), keys.begin(), keys.end());
    return out;
}

std::string all_are(const std::string& reply, std::size_t count) {
    std::string out = "*" + std::to_string(count) + "\r\n";
    for (std::size_t i = 0; i < count; ++i) { out += reply; }
    return out;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t out = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) { ++out; }
    return out;
}

/// Several clients whose commands reach the server at one time, in a known order: it looks at its sockets again
/// only when it is through with what keeps it busy, and hands all of them over before any worker's reply.
class crowd {
public:
    crowd(std::uint16_t port, std::size_t clients) : busy_(port) {
        for (std::size_t c = 0; c < clients; ++c) { clients_.push_back(std::make_unique<wire>(port)); }
    }
    /// One command for each client; returns their replies.
    word_list at_once(const std::vector<word_list>& commands) {
        constexpr std::size_t long_enough = 8;
        std::string work;
        for (std::size_t i = 0; i < long_enough; ++i) { work += resp({"COMMAND", "DOCS"}); }
        busy_.send(work);
        for (std::size_t c = 0; c < commands.size(); ++c) { clients_[c]->send(resp(commands[c])); }
        word_list out;
        for (std::size_t c = 0; c < commands.size(); ++c) { out.push_back(clients_[c]->read_reply()); }
        busy_.read_replies(long_enough);
        return out;
    }

private:
    wire busy_;
    std::vector<std::unique_ptr<wire>> clients_;
};

constexpr int meetings = 500;

}  // namespace

class atomicity : public on_each_front {};

INSTANTIATE_TEST_SUITE_P(fronts, atomicity, shapes_of_several_workers(), shape_name);

TEST_P(atomicity, of_several_that_set_keys_only_if_none_is_there_exactly_one_does) {
    kv_program server(plan());
    constexpr std::size_t clients = 4;
    crowd all(server.port, clients);
    wire reader(server.port);
    for (int r = 0; r < meetings; ++r) {
        // One of them, each time another, writes a single key.
        const std::size_t single = static_cast<std::size_t>(r) % clients;
        std::vector<word_list> commands;
        for (std::size_t c = 0; c < clients; ++c) {
            const auto keys = keys_of_round(r, static_cast<int>(c));
            commands.push_back(c == single ? word_list{"SETNX", keys[0], std::to_string(c)}
                                           : with_value("MSETNX", keys, std::to_string(c)));
        }
        const auto got = all.at_once(commands);
        ASSERT_EQ(std::ranges::count(got, integer(1)), 1) << "round " << r;
        ASSERT_EQ(std::ranges::count(got, integer(0)), 3) << "round " << r;
        const auto winner = static_cast<std::size_t>(std::ranges::find(got, integer(1)) - got.begin());
        const auto values = reader.call(mget(keys_of_round(r)));
        if (winner == single) { ASSERT_EQ(count_of(values, null), 5U) << values; }
        else { ASSERT_EQ(values, all_are(bulk(std::to_string(winner)), 6)) << "round " << r; }
    }
}

TEST_P(atomicity, what_is_set_blindly_is_not_overwritten_by_who_looked_before) {
    kv_program server(plan());
    crowd all(server.port, 5);
    wire reader(server.port);
    for (int r = 0; r < meetings; ++r) {
        const auto keys = keys_of_round(r);
        auto first = with_value("MSETNX", keys, "careful"), second = with_value("MSET", keys_of_round(r, 3), "blind");
        if (r % 2 == 0) { std::swap(first, second); }
        // Whoever looks meanwhile sees all of one of them, or nothing yet.
        const auto got = all.at_once({mget(keys), first, mget(keys), second, mget(keys)});
        for (const std::size_t c : {0U, 2U, 4U}) {
            ASSERT_TRUE(got[c] == all_are(null, 6) || got[c] == all_are(bulk("careful"), 6) ||
                        got[c] == all_are(bulk("blind"), 6)) << got[c];
        }
        ASSERT_EQ(reader.call(mget(keys)), all_are(bulk("blind"), 6)) << "round " << r;
    }
}

/// A RENAME that has looked at its source before a FLUSHALL must not bring it back after it.
TEST_P(atomicity, a_flush_beside_renames_leaves_nothing_behind) {
    kv_program server(plan());
    crowd all(server.port, 3);
    wire client(server.port);
    for (int r = 0; r < meetings; ++r) {
        const auto keys = keys_of_round(r);
        client.call({"SET", keys[0], "v"});
        client.call({"SET", keys[1], "v"});
        const auto got = all.at_once({{"RENAME", keys[0], keys[2]}, {"RENAMENX", keys[1], keys[3]}, {"FLUSHALL"}});
        ASSERT_EQ(got[2], ok);
        ASSERT_EQ(client.call({"DBSIZE"}), integer(0)) << "round " << r;
    }
}

/// The second may not move what the first has found but not yet moved, and DEL may not delete it a second time.
TEST_P(atomicity, of_several_that_want_one_value_exactly_one_gets_it) {
    kv_program server(plan());
    crowd all(server.port, 3);
    wire client(server.port);
    for (int r = 0; r < meetings; ++r) {
        const auto keys = keys_of_round(r);
        client.call({"SET", keys[0], "v"});
        auto got = all.at_once({{"RENAMENX", keys[0], keys[2]}, {"RENAMENX", keys[0], keys[3]}, {"DEL", keys[0]}});
        ASSERT_EQ(std::ranges::count(got, integer(1)), 1) << got[0] << got[1] << got[2];
        ASSERT_EQ(client.call({"DBSIZE"}), integer(got[2] == integer(1) ? 0 : 1)) << "round " << r;
        client.call({"FLUSHALL"});
    }
}

TEST_P(atomicity, a_value_that_changes_its_key_is_always_under_exactly_one) {
    kv_program server(plan());
    const word_list keys = keys_of_round(0);
    wire reader(server.port);
    const std::string token(100, 't');  // long enough to be held and not copied
    ASSERT_EQ(reader.call({"SET", keys[0], token, "EX", "1000"}), ok);
    constexpr int clients = 3;
    std::atomic<int> running{clients}, moved{0};
    std::vector<std::thread> threads;
    for (int c = 0; c < clients; ++c) {
        threads.emplace_back([&, c] {
            std::mt19937 random(static_cast<unsigned>(c));
            const auto any = [&] { return keys[random() % keys.size()]; };
            const auto got = pipelined(server.port, 4000, [&](int i) {
                return word_list{i % 2 == 0 ? "RENAME" : "RENAMENX", any(), any()};
            });
            for (const auto& reply : got) {
                EXPECT_TRUE(reply == ok || reply == integer(1) || reply == integer(0) || reply == error("no such key")) << reply;
                moved += reply == ok || reply == integer(1) ? 1 : 0;
            }
            --running;
        });
    }
    while (running != 0) {
        const auto values = reader.call(mget(keys));
        EXPECT_EQ(count_of(values, bulk(token)), 1U) << values;
        EXPECT_EQ(count_of(values, null), keys.size() - 1) << values;
        const auto names = reader.call({"KEYS", "0:*"});
        EXPECT_EQ(names.substr(0, 4), "*1\r\n") << names;
        EXPECT_EQ(reader.call({"DBSIZE"}), integer(1));
    }
    for (auto& t : threads) { t.join(); }
    EXPECT_GT(moved, 100);
    EXPECT_EQ(reader.call({"DBSIZE"}), integer(1));
    std::size_t deadlines = 0;
    for (const auto& key : keys) { deadlines += std::stoll(reader.call({"TTL", key}).substr(1)) > 0 ? 1U : 0U; }
    EXPECT_EQ(deadlines, 1U);
}

/// A writer sets one key after the other, each when the one before was answered: whoever sees the second sees the first.
TEST_P(atomicity, who_reads_several_keys_sees_them_at_one_moment) {
    kv_program server(plan());
    const word_list keys = keys_of_round(0);
    std::atomic<bool> running{true};
    std::thread writer([&] {
        wire client(server.port);
        for (int i = 1; i <= 2000; ++i) {
            for (const auto& key : keys) { EXPECT_EQ(client.call({"SET", key, std::to_string(i)}), ok); }
        }
        running = false;
    });
    std::vector<std::thread> readers;
    for (int c = 0; c < 2; ++c) {
        readers.emplace_back([&, c] {
            wire client(server.port);
            while (running) {
                auto asked = keys;
                if (c == 1) { std::ranges::reverse(asked); }
                const auto reply = client.call(mget(asked));
                std::vector<long long> seen;
                for (std::size_t at = reply.find('$'); at != reply.npos; at = reply.find('$', at + 1)) {
                    const auto line = reply.find('\n', at) + 1;
                    seen.push_back(reply.compare(at, 3, "$-1") == 0 ? 0 : std::stoll(reply.substr(line)));
                }
                ASSERT_EQ(seen.size(), keys.size()) << reply;
                if (c == 1) { std::ranges::reverse(seen); }
                for (std::size_t k = 1; k < seen.size(); ++k) { ASSERT_LE(seen[k], seen[k - 1]) << reply; }
                ASSERT_LE(seen.front() - seen.back(), 1) << reply;
            }
        });
    }
    writer.join();
    for (auto& r : readers) { r.join(); }
}

/// What one connection asks for in one go comes into effect so that whoever sees a later part finds the earlier ones.
TEST_P(atomicity, who_sees_a_later_write_of_a_connection_sees_the_earlier_ones) {
    kv_program server(plan());
    const word_list keys = keys_of_round(0);
    constexpr int writes = 30'000;
    std::atomic<bool> running{true};
    std::thread writer([&] {
        const auto got = pipelined(server.port, writes, [&](int i) {
            return word_list{"SET", keys[static_cast<std::size_t>(i) % keys.size()], std::to_string(i / 6 + 1)};
        });
        EXPECT_EQ(std::ranges::count(got, ok), writes);
        running = false;
    });
    std::vector<std::thread> readers;
    for (int c = 0; c < 2; ++c) {
        readers.emplace_back([&] {
            wire client(server.port);
            const auto value = [&](const std::string& key) {
                const auto reply = client.call({"GET", key});
                return reply == null ? 0LL : std::stoll(reply.substr(reply.find('\n') + 1));
            };
            while (running) {
                const auto last = value(keys.back());
                for (const auto& key : keys) { ASSERT_GE(value(key), last) << key; }
            }
        });
    }
    writer.join();
    for (auto& r : readers) { r.join(); }
}

}  // namespace kv::test
