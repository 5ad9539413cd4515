// The mix: mostly few keys, so that commands meet; some large values; every kind of mistake.
#include "support/command_maker.hpp"

#include <algorithm>
#include <ctime>

namespace kv::test {

std::string command_maker::key() {
    if (below(40) == 0) { return std::string("odd\0key\r\n", 9) + std::to_string(below(3)); }
    if (below(40) == 0) { return ""; }
    return "key:" + std::to_string(below(25));
}

std::string command_maker::number() {
    static const char* odd[] = {"0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
                                "", "abc", "1.5", " 1", "1 ", "+1", "01", "-0", "1e3", "0x10"};
    return below(3) == 0 ? odd[below(std::size(odd))] : std::to_string(static_cast<int>(below(2000)) - 1000);
}

std::string command_maker::value() {
    switch (below(10)) {
        case 0:
        case 1:
        case 2: return number();
        case 3: return "";
        case 4: {
            std::string bytes(below(300), '\0');
            for (char& c : bytes) { c = static_cast<char>(below(256)); }
            return bytes;
        }
        case 5: return std::string(30 + below(40), 'b');  // around the size up to which values are copied
        case 6: return below(8) == 0 ? std::string(4000 + below(200'000), 'L') : std::string(below(5000), 'm');
        default: return "value " + std::to_string(below(1000));
    }
}

std::string command_maker::expiry() {
    static const char* odd[] = {"0", "-1", "-100", "abc", "", "9223372036854775807", "9223372036854775",
                                "9223372036854776", "-9223372036854775808", "9223372036854775808"};
    return below(5) == 0 ? odd[below(std::size(odd))] : std::to_string(1000 + 100 * ++times_);
}

std::string command_maker::any_case(std::string word) {
    const auto kind = below(4);
    std::transform(word.begin(), word.end(), word.begin(), [&](char c) {
        const bool upper = kind == 0 || (kind == 1 && below(2) == 0);
        return upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    return word;
}

made_command command_maker::plain(std::string name, std::vector<std::string> rest, tolerance allowed) {
    made_command out{{any_case(std::move(name))}, allowed};
    out.words.insert(out.words.end(), rest.begin(), rest.end());
    return out;
}

made_command command_maker::set() {
    std::vector<std::string> rest = {key(), value()};
    for (auto n = below(4); n > 0; --n) {
        switch (below(9)) {
            case 0: rest.push_back(any_case("nx")); break;
            case 1: rest.push_back(any_case("xx")); break;
            case 2: rest.push_back(any_case("get")); break;
            case 3: rest.push_back(any_case("keepttl")); break;
            case 4: rest.push_back("nonsense"); break;
            case 5:
                rest.push_back(any_case("px"));
                rest.push_back(below(3) == 0 ? expiry() : std::to_string(1'000'000 + 100'000 * ++times_));
                break;
            default:
                rest.push_back(any_case("ex"));
                if (below(10) != 0) { rest.push_back(expiry()); }
        }
    }
    return plain("set", std::move(rest));
}

made_command command_maker::expire() {
    const bool milliseconds = below(3) == 0;
    const bool absolute = below(3) == 0;
    auto time = expiry();
    const bool sane = time.size() >= 4 && time.size() < 9 && time.front() != '-';
    if (sane && absolute) { time = std::to_string(std::time(nullptr) + std::stoll(time)); }
    if (sane && milliseconds) { time += "000"; }
    std::vector<std::string> rest = {key(), time};
    for (auto n = below(4) == 0 ? 1 + below(2) : below(2); n > 0; --n) {
        static const char* conditions[] = {"nx", "xx", "gt", "lt", "zz"};
        rest.push_back(any_case(conditions[below(std::size(conditions))]));
    }
    return plain(std::string(milliseconds ? "pexpire" : "expire") + (absolute ? "at" : ""), std::move(rest));
}

made_command command_maker::getex() {
    std::vector<std::string> rest = {key()};
    switch (below(6)) {
        case 0: rest.push_back(any_case("persist")); break;
        case 1: rest.push_back("nonsense"); break;
        case 2:
        case 3:
            rest.push_back(any_case("ex"));
            if (below(10) != 0) { rest.push_back(expiry()); }
            if (below(6) == 0) { rest.push_back("persist"); }
            break;
        case 4:
            rest.push_back(any_case("exat"));
            rest.push_back(below(5) == 0 ? expiry() : std::to_string(std::time(nullptr) + 1'000 + 100 * ++times_));
            break;
        default: break;
    }
    return plain("getex", std::move(rest));
}

std::string command_maker::pattern() {
    static const char* parts[] = {"*", "?", "key:", "k", "[a-z]", "[^0-5]", "1", "[12", "\\", "\\*", "[", "]", "^", "-", "[z-a]",
                                  "odd", "[\\]1-]", "**", ":", "2"};
    if (below(3) == 0) { return below(2) != 0 ? "*" : "key:*"; }
    std::string out;
    for (auto n = below(6); n > 0; --n) { out += parts[below(std::size(parts))]; }
    return out;
}

/// Keys in any order. SCAN asks for more than there are, so that both servers answer with all of them at once.
made_command command_maker::which() {
    if (below(2) != 0) { return plain("keys", {pattern()}, tolerance::order); }
    std::vector<std::string> rest = {below(20) == 0 ? number() + "x" : "0", any_case("count"), below(20) == 0 ? "0" : "1000"};
    if (below(2) != 0) { rest.insert(rest.end(), {any_case("match"), pattern()}); }
    if (below(4) == 0) { rest.insert(rest.end(), {any_case("type"), below(3) == 0 ? "list" : any_case("string")}); }
    if (below(10) == 0) { rest.push_back(below(2) != 0 ? "match" : "nonsense"); }
    return plain("scan", std::move(rest), tolerance::order);
}

made_command command_maker::wrong() {
    switch (below(8)) {
        case 0: return plain("get", {});
        case 1: return plain("nosuchcommand", {value(), value(), std::string(below(200), 'x')});
        case 2: return plain("mset", {key(), value(), key()});
        case 3: return plain("select", {number()});
        case 4: return plain("client", {"nosuch", "thing"});
        case 5: return plain("config", {});
        case 6: return plain("flushall", {"nonsense"});
        default: return plain("incrby", {key(), number(), number()});
    }
}

made_command command_maker::next() {
    switch (below(50)) {
        case 47:
        case 48:
        case 49: return which();
        case 43:
        case 44: return plain("rename", {key(), key()});
        case 45: return plain("renamenx", {key(), key()});
        case 46: {
            std::vector<std::string> pairs;
            for (auto n = 1 + below(4); n > 0; --n) { pairs.insert(pairs.end(), {key(), value()}); }
            if (below(20) == 0) { pairs.pop_back(); }
            return plain("msetnx", std::move(pairs));
        }
        case 42: return plain("incrbyfloat", {key(), below(2) != 0 ? number() : number() + "." + std::to_string(below(1000))});
        case 32: return plain("setnx", {key(), value()});
        case 33: return below(2) != 0 ? plain("setex", {key(), expiry(), value()}) : plain("psetex", {key(), std::to_string(1'000'000 + 100'000 * ++times_), value()});
        case 34: return plain("getset", {key(), value()});
        case 35: return plain("getdel", {key()});
        case 36: return getex();
        case 37:
        case 38: return plain("getrange", {key(), below(4) == 0 ? number() : std::to_string(static_cast<int>(below(80)) - 40), below(4) == 0 ? number() : std::to_string(static_cast<int>(below(200)) - 80)});
        case 39:
        case 40: return plain("setrange", {key(), below(6) == 0 ? number() : std::to_string(below(300)), value()});
        case 41: return below(3) == 0 ? plain("flushdb", {}) : plain("unlink", {key(), key()});
        case 0: return below(2) != 0 ? plain("ping", {}) : plain("ping", {value()});
        case 1: return plain("echo", {value()});
        case 2: return plain("type", {key()});
        case 3: return below(2) != 0 ? plain("exists", {key()}) : plain("exists", {key(), key(), key()});
        case 4: return below(2) != 0 ? plain("del", {key()}) : plain("del", {key(), key(), key(), key()});
        case 5:
        case 6: return plain("append", {key(), value()});
        case 7: return plain("strlen", {key()});
        case 8: return plain("incr", {key()});
        case 9: return plain("decr", {key()});
        case 10: return plain("incrby", {key(), number()});
        case 11: return plain("decrby", {key(), number()});
        case 12:
        case 13: return expire();
        case 14: return plain("ttl", {key()}, tolerance::seconds);
        case 15: return plain("pttl", {key()}, tolerance::milliseconds);
        case 16: return plain("persist", {key()});
        case 17: {
            std::vector<std::string> keys;
            for (auto n = 1 + below(12); n > 0; --n) { keys.push_back(key()); }
            return plain("mget", std::move(keys));
        }
        case 18:
        case 19: {
            std::vector<std::string> pairs;
            for (auto n = 1 + below(8); n > 0; --n) {
                pairs.push_back(key());
                pairs.push_back(value());
            }
            return plain("mset", std::move(pairs));
        }
        case 20: return plain("dbsize", {});
        case 21: return below(6) == 0 ? plain("flushall", {}) : plain("dbsize", {});
        case 22:
        case 23: return wrong();
        case 24: return plain("select", {"0"});
        case 25: return below(2) != 0 ? plain("client", {"getname"}) : plain("client", {"setname", value()});
        case 26:
        case 27:
        case 28: return plain("get", {key()});
        default: return set();
    }
}

std::string command_maker::encode(const std::vector<std::string>& words) {
    const bool simple = std::all_of(words.begin(), words.end(), [](const std::string& w) {
        return !w.empty() && w.size() < 1000 && w[0] != '*' &&
               std::all_of(w.begin(), w.end(), [](char c) { return c > ' ' && c < 127 && c != '"' && c != '\''; });
    });
    std::string out;
    if (simple && below(3) == 0) {
        for (const auto& word : words) { out += (out.empty() ? "" : " ") + word; }
        return out + (below(2) != 0 ? "\r\n" : "\n");
    }
    out = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words) { out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n"; }
    return out;
}

}  // namespace kv::test
