// The same commands to a real redis-server and to numasio-kv: the replies are the same, byte for byte.
//
// Exempt, because they speak of the server and not of the data: the bodies of INFO, COMMAND (and its
// subcommands), CLIENT ID/INFO/LIST/HELP, CONFIG HELP and CONFIG GET of what only one of them has; commands
// that we do not have ("unknown command"); more than 2^20 arguments (Redis: 2^31-1), which we refuse; the name
// of a command followed by a zero byte, which Redis takes for that command where the two names fall into one
// bucket of its seeded hash table (3 of 400 starts; to us it is always unknown).
// TTL may differ by 1 s and PTTL by 1 s, because the two do not run at the same instant.
#include "support/command_maker.hpp"
#include "support/program.hpp"
#include "support/server_shape.hpp"
#include "support/wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace kv::test {
namespace {

using namespace std::chrono_literals;

/// The reply with its bulk strings sorted.
std::string in_order(const std::string& reply) {
    std::vector<std::string> strings;
    std::string out;
    for (std::size_t at = 0; at < reply.size();) {
        auto end = reply.find("\r\n", at) + 2;
        if (reply[at] != '$') { out += reply.substr(at, end - at); }
        else {
            end += std::stoul(reply.substr(at + 1)) + 2;
            strings.push_back(reply.substr(at, end - at));
        }
        at = end;
    }
    std::sort(strings.begin(), strings.end());
    for (const auto& s : strings) { out += s; }
    return out;
}

bool close_enough(const std::string& a, const std::string& b, tolerance allowed) {
    if (a == b) { return true; }
    if (allowed == tolerance::order) { return in_order(a) == in_order(b); }
    if (allowed == tolerance::exact || a[0] != ':' || b[0] != ':') { return false; }
    const long long x = std::stoll(a.substr(1)), y = std::stoll(b.substr(1));
    const long long most = allowed == tolerance::seconds ? 1 : 1000;
    return x > 0 && y > 0 && std::llabs(x - y) <= most;
}

std::string shown(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& w : words) { out += (w.size() > 60 ? w.substr(0, 60) + "…" : w) + " "; }
    return out;
}

std::vector<std::size_t> random_borders(command_maker& random, std::size_t size, std::size_t pieces) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < pieces; ++i) { out.push_back(random.below(static_cast<unsigned>(size))); }
    std::sort(out.begin(), out.end());
    return out;
}

/// One connection each; `commands` commands pipelined and cut into `pieces`.
void compare(redis_program& redis, kv_program& ours, unsigned seed, std::size_t commands, std::size_t pieces) {
    command_maker make(seed);
    std::vector<made_command> sent = {{{"FLUSHALL"}}};
    std::string bytes = resp(sent[0].words);
    for (std::size_t i = 0; i < commands; ++i) {
        sent.push_back(make.next());
        bytes += make.encode(sent.back().words);
        if (make.below(50) == 0) { bytes += make.below(2) != 0 ? "\r\n" : "*0\r\n"; }
    }
    const auto borders = random_borders(make, bytes.size(), pieces);
    wire a(redis.port), b(ours.port);
    a.send_in_pieces(bytes, borders);
    b.send_in_pieces(bytes, borders);
    const auto expected = a.read_replies(sent.size()), got = b.read_replies(sent.size());
    ASSERT_EQ(expected.size(), sent.size());
    ASSERT_EQ(got.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        ASSERT_TRUE(close_enough(expected[i], got[i], sent[i].allowed))
            << "seed " << seed << ", command " << i << ": " << shown(sent[i].words) << "\n  redis: "
            << expected[i].substr(0, 200) << "\n  ours:  " << got[i].substr(0, 200);
    }
}

/// The whole answers to `bytes` on fresh connections, up to silence or the end of the stream.
std::pair<std::string, std::string> answers(std::uint16_t one, std::uint16_t other, const std::string& bytes,
                                            std::chrono::milliseconds silence) {
    wire a(one), b(other);
    a.call({"FLUSHALL"});
    b.call({"FLUSHALL"});
    a.send(bytes);
    b.send(bytes);
    auto first = a.read_until_quiet(silence);
    return {std::move(first), b.read_until_quiet(silence)};
}

const std::vector<std::string>& edge_cases() {
    static const std::vector<std::string> cases = [] {
        // A literal with a zero byte inside, whole.
        const auto zero = [](const auto& literal) { return std::string(literal, sizeof(literal) - 1); };
        std::vector<std::string> c = {
            // protocol
            "*abc\r\n", "*2147483648\r\n", "*-1\r\nPING\r\n", "*1\r\nxPING\r\n", "*1\r\n\rPI\r\n", "*1\r\n\nPI\r\n",
            "*1\r\n$-1\r\n", "*1\r\n$16777217\r\n", "*1\r\n$01\r\n", "*+1\r\n", "* 1\r\n", "*1\r\n$1\r\nabc\r\nPING\r\n",
            "*1 \r\n", "*\r\n", "*1\r\n$\r\n", "PING\nPING\r\nPING\r\n", "  PING  \r\n", "\"PI\"NG\r\n", "'PING'\r\n",
            "PING \"a\\x41\\n\\\"b\"\r\n", "PING 'a\\x41\\'b'\r\n", "PING \"a\r\n", "PING \"a\"b\r\n", "PING 'a\r\n",
            "PING \"\\\r\n", "PING \"\\x4\"\r\n", "\"\"\r\n", "foo \xc3\xa9 \"a\r\n", "PING a\tb\r\n", "PING a\vb\r\n",
            zero("*1\r\n\0PI\r\n"), zero("PING\0\r\nPING\r\n"), std::string(65'600, 'x'),
            "PING " + std::string(65'000, 'x') + "\r\n", "*" + std::string(65'600, '1'),
            "*1\r\n$" + std::string(65'600, '1'), "*1\r\n$4\r\nQUIT\r\nPING\r\n", "quit now\r\n", "QUIT\r\nPING\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n\r\nSET a b\r\n", "Host: a\r\nPING\r\n",
            // unknown, arity, subcommands
            "foo\r\n", "foo " + std::string(200, 'x') + " y\r\n",
            std::string(200, 'x') + " " + [] { std::string s; for (int i = 0; i < 60; ++i) { s += "a "; } return s; }() + "\r\n",
            "*2\r\n$3\r\nfoo\r\n$4\r\na\r\nb\r\n", zero("*2\r\n$5\r\nf\r\noo\r\n$4\r\na\0bc\r\n"),
            zero("*1\r\n$5\r\nquiz\0\r\n"), "*1\r\n$0\r\n\r\n", "config foo\r\n", "config\r\n", "config get\r\n",
            "command foo\r\n", "command count a\r\n", "client\r\n", "client setinfo a b\r\n", "client id a\r\n",
            "client getname a\r\n", "client setname\r\n", "*2\r\n$6\r\nclient\r\n$4\r\na\r\nb\r\n", "client|id\r\n",
            "*2\r\n$6\r\nconfig\r\n$0\r\n\r\n", "get a b\r\n", "get\r\n", "set a\r\n", "mget\r\n", "mset a\r\n",
            "mset a b c\r\n", "dbsize a\r\n", "ping a b\r\n", "echo\r\n", "ttl\r\n", "expire a\r\n", "del\r\n",
            "gEt a\r\n", "cLiEnT gEtNaMe\r\n",
            // connection
            "select 0\r\nselect 1\r\nselect 99999999999\r\nselect a\r\nselect -1\r\nselect 9223372036854775808\r\n",
            "client setname \"a b\"\r\nclient setname a\r\nclient getname\r\nclient setname \"\"\r\nclient getname\r\n",
            "client list a\r\nclient list id\r\nclient list id x\r\nclient list type x\r\nclient list type master\r\n",
            "client list id 999999999\r\n",
            // configuration
            "config get save\r\nconfig get zzz\r\nconfig get databases\r\nCONFIG GET APPENDONLY\r\n",
            "config get sav?\r\nconfig get [s]ave\r\nconfig get sav[a-e]\r\nconfig get maxclients\r\n",
            "config get proto-max-bulk-len proto-max-bulk-len\r\nconfig get proto-max-bulk-*\r\n",
            "command info nosuch\r\ncommand docs nosuch\r\ninfo nosuch\r\n",
            // SET
            "set a b ex 0\r\nset a b ex -1\r\nset a b ex a\r\nset a b px 9223372036854775807\r\nget a\r\n",
            "set a b ex 9223372036854775\r\nset a b ex 9223372036854776\r\nset a b exat 0\r\nset a b pxat -5\r\n",
            "set a b nx xx\r\nset a b xx nx\r\nset a b ex\r\nset a b ex 1 px 1\r\nset a b px 1 ex 1\r\n",
            "set a b keepttl ex 1\r\nset a b ex 1 keepttl\r\nset a b ex 10 ex 20\r\nset a b nx nx\r\nset a b ex nx\r\n",
            "set a b get\r\nset a c get\r\nset a d nx get\r\nset zz d xx get\r\nget a\r\nget zz\r\nset a e nx\r\nget a\r\n",
            "set a b exat 1\r\nget a\r\nset a b pxat 1\r\nexists a\r\nttl a\r\nset a c get\r\nset a d ex 100 get\r\n",
            zero("*5\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n$4\r\nnx\0y\r\n$3\r\nget\r\nget a\r\n"),
            "set k v ex 1000\r\nset k w keepttl\r\nttl k\r\nset k x\r\nttl k\r\n",
            // numbers
            "set a 10\r\nincr a\r\ndecrby a 20\r\nincrby a -5\r\nget a\r\nincrby a 9223372036854775807\r\ndecr b\r\n",
            "set a 9223372036854775807\r\nincr a\r\nget a\r\nset a -9223372036854775808\r\ndecr a\r\ndecrby a 1\r\n",
            "decrby a -9223372036854775808\r\nincrby a x\r\nincrby a 07\r\nincrby a +7\r\nincrby a \"\"\r\n",
            "set a \"\"\r\nincr a\r\nset a 1.5\r\nincr a\r\nset a \" 1\"\r\nincr a\r\nset a 007\r\nincr a\r\nset a -0\r\nincr a\r\n",
            "set a 5\r\nappend a 5\r\nincr a\r\nstrlen a\r\nappend new 12\r\nincr new\r\nappend e \"\"\r\nexists e\r\n",
            "incrbyfloat a 1.5\r\nincrbyfloat a -1.5\r\nget a\r\nset a 10.50\r\nincrbyfloat a 0.1\r\nset a 5.0e3\r\nincrbyfloat a 2.0e2\r\nincrbyfloat a\r\n",
            "set a 3\r\nincrbyfloat a inf\r\nincrbyfloat a nan\r\nincrbyfloat a x\r\nincrbyfloat a \" 1\"\r\nincrbyfloat a 0x10\r\nincrbyfloat a -19.0\r\nincrbyfloat a -0\r\nincrbyfloat a 1e-5000\r\n",
            "set a x\r\nincrbyfloat a 1\r\nset a \"\"\r\nincrbyfloat a 1\r\nset a \"1 \"\r\nincrbyfloat a 1\r\nset a 1.5\r\nincr a\r\nincrbyfloat a 1e4000\r\nstrlen a\r\nincrbyfloat a 1e4932\r\nincrbyfloat a 1e4932\r\n",
            "set a 1 ex 100\r\nincrbyfloat a 0.00000000000000001\r\nttl a\r\nincrbyfloat a 3.333333333333333333\r\nset a 1\r\nappend a 2\r\nincrbyfloat a 0.5\r\nincrbyfloat new -0.0\r\nget new\r\n",
            // expiry
            "expire a 1 zz\r\nexpire a 1 nx gt\r\nexpire a 1 nx xx\r\nexpire a 1 nx lt\r\nexpire a 1 gt lt\r\n",
            "expire a z gt\r\nexpire a 9223372036854775807\r\nexpire a 9223372036854775\r\nexpire a -9223372036854775807\r\n",
            "pexpire a 9223372036854775807\r\npexpire a -9223372036854775808\r\nexpire a 10 \"a\\r\\nb\"\r\n",
            "set a 1\r\nexpire a 100 xx\r\nexpire a 100 gt\r\nexpire a 100 lt\r\nttl a\r\nexpire a 50 gt\r\nexpire a 200 gt\r\nttl a\r\n",
            "set a 1\r\nexpire a 100 nx\r\nexpire a 300 nx\r\nexpire a 200 xx gt\r\nexpire a 50 xx lt\r\nttl a\r\npersist a\r\npersist a\r\nttl a\r\n",
            "set a 1\r\nexpire a 0\r\nexists a\r\nset a 1\r\nexpire a -1\r\nget a\r\nset a 1\r\npexpire a -1\r\ndbsize\r\n",
            "pttl nosuch\r\nttl nosuch\r\npersist nosuch\r\nexpire nosuch 10\r\nset a 1\r\npttl a\r\n",
            // SET's older forms
            "setnx a 1\r\nsetnx a 2\r\nget a\r\nset a 1 ex 100\r\nsetnx a 3\r\nttl a\r\ngetset a 4\r\nttl a\r\ngetset new 5\r\nget new\r\ngetset a\r\n",
            "setex a 0 v\r\nsetex a -1 v\r\nsetex a x v\r\nsetex a 100 v\r\nttl a\r\nget a\r\npsetex a 0 v\r\npsetex a 100000 w\r\nget a\r\nttl a\r\n",
            "setex a 9223372036854775 v\r\nsetex a 9223372036854776 v\r\npsetex a 9223372036854775807 v\r\nsetex a 1\r\n",
            // reading with an effect
            "getdel a\r\nset a 1\r\ngetdel a\r\nget a\r\ngetdel\r\ngetex a\r\nset a 1\r\ngetex a\r\nttl a\r\ngetex a ex 100\r\nttl a\r\ngetex a persist\r\nttl a\r\n",
            "getex a ex x\r\nset a 1\r\ngetex a ex x\r\ngetex a ex 0\r\ngetex a px -1\r\ngetex a exat 0\r\ngetex a exat 1\r\nexists a\r\ngetex nosuch ex -1\r\n",
            "set a 1\r\ngetex a ex\r\ngetex a ex 1 px 1\r\ngetex a persist ex 1\r\ngetex a ex 1 persist\r\ngetex a persist persist\r\ngetex a nx\r\ngetex a keepttl\r\ngetex a ex 10 ex 20\r\nttl a\r\n",
            "set a 1\r\ngetex a ex 9223372036854776\r\ngetex a px 9223372036854775807\r\ngetex a pxat 1\r\nget a\r\n",
            // parts
            "getrange a 0 -1\r\nset a \"This is a string\"\r\ngetrange a 0 3\r\ngetrange a -3 -1\r\ngetrange a 0 -1\r\ngetrange a 10 100\r\ngetrange a 5 4\r\ngetrange a -1 -5\r\n",
            "set a 0123456789\r\ngetrange a -100 3\r\ngetrange a -100 -50\r\ngetrange a 3 -100\r\ngetrange a 100 200\r\ngetrange a 0 9223372036854775807\r\ngetrange a -9223372036854775808 2\r\n",
            "getrange a x 1\r\ngetrange a 1 x\r\ngetrange a 1\r\ngetrange a 9223372036854775808 1\r\nset a \"\"\r\ngetrange a 0 -1\r\nget a\r\n",
            "setrange a 5 x\r\nget a\r\nsetrange a 0 hello\r\nget a\r\nsetrange a 3 \"\"\r\nsetrange new 3 \"\"\r\nexists new\r\nsetrange a 10 end\r\nget a\r\nstrlen a\r\n",
            "setrange a -1 x\r\nsetrange a x y\r\nsetrange a 9223372036854775807 x\r\nsetrange a 536870912 x\r\nset a 1 ex 100\r\nsetrange a 1 2\r\nttl a\r\nincr a\r\n",
            // expiry at a time
            "expireat a 1\r\nset a 1\r\nexpireat a x\r\nexpireat a 1 zz\r\nexpireat a 4000000000\r\nexpireat a 4000000000 nx\r\nexpireat a 3900000000 gt\r\nexpireat a 3900000000 lt\r\npexpireat a 3800000000000 xx\r\n",
            "set a 1\r\nexpireat a 0\r\nexists a\r\nset a 1\r\npexpireat a -1\r\nexists a\r\nset a 1\r\nexpireat a 9223372036854775807\r\nexpireat a -9223372036854775808\r\npexpireat a -9223372036854775808\r\nget a\r\n",
            "set a 1\r\nunlink a a nosuch\r\nunlink\r\nset a 1\r\nflushdb sync\r\ndbsize\r\nflushdb x\r\nflushdb async\r\n",
            // many keys
            "mset a 1 b 2 a 3\r\nmget a b c a\r\nexists a a b nosuch\r\ndel a a b nosuch\r\ndbsize\r\n",
            "set a 1\r\nexpire a 100\r\nmset a 2\r\nttl a\r\ntype a\r\ntype nosuch\r\nstrlen a\r\nstrlen nosuch\r\n",
            "set a 1\r\nflushall sync\r\ndbsize\r\nset a 1\r\nFLUSHALL ASYNC\r\nget a\r\nflushall a\r\nflushall sync async\r\n",
        };
        c.push_back("keys *\r\nscan 0\r\nscan 0 match * count 5 type string\r\nkeys\r\nkeys a b\r\nscan\r\nscan x\r\nscan -\r\nscan \" 0\"\r\nscan 1x\r\n");
        c.push_back("scan 18446744073709551616\r\nscan \"\"\r\nscan +0\r\nscan 0 count\r\nscan 0 count 0\r\nscan 0 count -1\r\nscan 0 count x\r\nscan 0 match\r\nscan 0 type\r\n");
        c.push_back("scan 0 nonsense 1\r\nscan x nonsense\r\nscan 0 count x nonsense\r\nset a 1\r\nkeys *\r\nscan 0 count 1000\r\nscan 0 count 1000 type list\r\nscan 0 COUNT 1000 type STRING match [a-b]\r\n");
        c.push_back("set \"\" 1\r\nkeys *\r\nkeys **\r\nkeys \"\"\r\nkeys ?\r\nscan 0 count 1000 match **\r\nscan 0 count 1000 match *\r\n" +
                    resp({"KEYS", [] { std::string s; for (int i = 0; i < 1100; ++i) { s += "*a"; } return s; }()}) +
                    resp({"SET", std::string(1200, 'a'), ""}) +
                    resp({"KEYS", [] { std::string s; for (int i = 0; i < 1100; ++i) { s += "*a"; } return s; }()}) +
                    resp({"KEYS", [] { std::string s; for (int i = 0; i < 990; ++i) { s += "*a"; } return s; }()}));
        for (const std::string from : {"a", "b", "c"}) {  // to the same worker and to others
            std::string all;
            for (const std::string& to : {std::string("x"), std::string("y"), std::string("z"), from}) {
                const auto both = " " + from + " " + to + "\r\n";
                all += "rename" + both + "renamenx" + both + "set " + from + " 1\r\nrename" + both + "get " + to +
                            "\r\nexists " + from + "\r\nset " + from + " 2 ex 100\r\nset " + to + " 3\r\nrenamenx" + both +
                            "mget" + both + "rename" + both + "mget" + both + "ttl " + to + "\r\ndbsize\r\ndel " + to +
                            "\r\nset " + from + " 4\r\nrenamenx" + both + "mget" + both + "ttl " + to + "\r\n";
                all += "msetnx" + both + "msetnx" + both + "mget" + both + "msetnx q 1 " + from + " 2 r 3\r\ndbsize\r\nmget q r" +
                            both + "del " + from + "\r\nmsetnx q 1 " + from + " 2 q 3\r\nmget q" + both + "flushall\r\n";
            }
            c.push_back(all);
        }
        c.push_back("rename a\r\nrenamenx a b c\r\nmsetnx a\r\nmsetnx a 1 b\r\nmsetnx\r\nrename \"\" b\r\nset \"\" 1\r\nrename \"\" b\r\nget b\r\n");
        // values at and beyond the longest that there may be
        const std::string half(9 << 20, 'h');
        c.push_back(resp({"APPEND", "long", half}) + resp({"APPEND", "long", half}) + "strlen long\r\n");
        c.push_back(resp({"SET", "long", std::string(16 << 20, 'l')}) + "strlen long\r\nappend long x\r\nget long\r\n");
        c.push_back("setrange long 16777215 x\r\nsetrange long 16777216 x\r\nstrlen long\r\ngetrange long 16770000 -1\r\ngetrange long 16777214 16777215\r\n");
        return c;
    }();
    return cases;
}

class differential : public on_each_front {
protected:
    redis_program redis;
    kv_program ours{plan()};
};

TEST_P(differential, made_commands_get_the_same_replies_as_from_redis) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        ASSERT_NO_FATAL_FAILURE(compare(redis, ours, seed, 250, seed % 5 == 0 ? 0 : 40));
    }
}

TEST_P(differential, byte_by_byte_arrival_changes_nothing) {
    for (unsigned seed = 1001; seed <= 1003; ++seed) {
        ASSERT_NO_FATAL_FAILURE(compare(redis, ours, seed, 40, 4000));
    }
}

TEST_P(differential, written_edge_cases_get_the_same_replies_as_from_redis) {
    for (const auto& bytes : edge_cases()) {
        auto [expected, got] = answers(redis.port, ours.port, bytes, 80ms);
        // Silence may only have been a busy machine: before they differ, both get time.
        if (expected != got) { std::tie(expected, got) = answers(redis.port, ours.port, bytes, 2000ms); }
        EXPECT_TRUE(expected == got) << bytes.substr(0, 100) << "\n  redis: " << expected.substr(0, 300)
                                     << "\n  ours:  " << got.substr(0, 300);
    }
}

INSTANTIATE_TEST_SUITE_P(fronts, differential, every_shape(), shape_name);

}  // namespace
}  // namespace kv::test
