// Random commands against a model that is as simple as possible: a std::map with deadlines.
#include "support/local_shards.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kv::test {
namespace {

class model {
public:
    struct item {
        std::string value;
        std::int64_t deadline = 0;
    };

    std::string get(const std::string& k) { return live(k) ? bulk(items[k].value) : null; }
    std::string set(const std::string& k, const std::string& v, std::int64_t deadline) {
        items[k] = {v, deadline};
        return ok;
    }
    std::string set_if(bool present, const std::string& k, const std::string& v) {
        return live(k) == present ? set(k, v, 0) : null;
    }
    std::string set_get(const std::string& k, const std::string& v) {
        const auto old = get(k);
        const auto deadline = live(k) ? items[k].deadline : 0;
        set(k, v, deadline);  // with KEEPTTL
        return old;
    }
    std::string append(const std::string& k, const std::string& v) {
        if (!live(k)) { items[k] = {}; }
        return integer(static_cast<long long>((items[k].value += v).size()));
    }
    std::string incr(const std::string& k, std::int64_t by) {
        if (!live(k)) { items[k] = {"0", 0}; }
        char* end = nullptr;
        const auto& text = items[k].value;
        const auto old = std::strtoll(text.c_str(), &end, 10);
        if (text != std::to_string(old)) { return error("value is not an integer or out of range"); }
        std::int64_t sum = 0;
        if (__builtin_add_overflow(old, by, &sum)) { return error("increment or decrement would overflow"); }
        items[k].value = std::to_string(sum);
        return integer(sum);
    }
    std::string del(const std::string& k) {
        const bool there = live(k);
        items.erase(k);
        return integer(there ? 1 : 0);
    }
    std::string expire(const std::string& k, std::int64_t deadline, const std::string& condition) {
        if (!live(k)) { return integer(0); }
        auto& had = items[k].deadline;
        const bool holds = condition == "NX"   ? had == 0
                           : condition == "XX" ? had != 0
                           : condition == "GT" ? had != 0 && deadline > had
                                               : had == 0 || deadline < had;
        if (!holds) { return integer(0); }
        had = deadline;
        return integer(1);
    }
    std::string persist(const std::string& k) {
        if (!live(k) || items[k].deadline == 0) { return integer(0); }
        items[k].deadline = 0;
        return integer(1);
    }
    std::string pttl(const std::string& k) {
        if (!live(k)) { return integer(-2); }
        return integer(items[k].deadline == 0 ? -1 : items[k].deadline - now);
    }
    std::size_t size() {
        std::erase_if(items, [&](const auto& i) { return i.second.deadline != 0 && i.second.deadline <= now; });
        return items.size();
    }
    void flush() { items.clear(); }

    std::int64_t now = 0;

private:
    bool live(const std::string& k) {
        const auto found = items.find(k);
        if (found == items.end()) { return false; }
        if (found->second.deadline == 0 || found->second.deadline > now) { return true; }
        items.erase(found);
        return false;
    }
    std::map<std::string, item> items;
};

void compare(unsigned seed, std::uint32_t shards) {
    std::mt19937 random(seed);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    local_shards kv(shards, 16 << 20);
    model expected;
    const int keys = 1 + below(2000);
    for (int i = 0; i < 20'000; ++i) {
        kv.now += below(3);
        expected.now = kv.now;
        const auto k = "k" + std::to_string(below(keys));
        const std::string v = below(2) != 0 ? std::to_string(below(1000)) : std::string(static_cast<std::size_t>(below(200)), 'v');
        const auto span = 1 + below(5000);
        const auto deadline = kv.now + span;
        static const char* conditions[] = {"NX", "XX", "GT", "LT"};
        const std::string condition = conditions[below(4)];
        std::string got, wanted;
        switch (below(13)) {
            case 0: got = kv({"SET", k, v}); wanted = expected.set(k, v, 0); break;
            case 1: got = kv({"SET", k, v, "PX", std::to_string(span)}); wanted = expected.set(k, v, deadline); break;
            case 2: got = kv({"SET", k, v, "NX"}); wanted = expected.set_if(false, k, v); break;
            case 3: got = kv({"SET", k, v, "XX"}); wanted = expected.set_if(true, k, v); break;
            case 4: got = kv({"SET", k, v, "KEEPTTL", "GET"}); wanted = expected.set_get(k, v); break;
            case 5: got = kv({"APPEND", k, v}); wanted = expected.append(k, v); break;
            case 6: got = kv({"INCRBY", k, std::to_string(span)}); wanted = expected.incr(k, span); break;
            case 7: got = kv({"DEL", k}); wanted = expected.del(k); break;
            case 8: got = kv({"PEXPIRE", k, std::to_string(span), condition}); wanted = expected.expire(k, deadline, condition); break;
            case 9: got = kv({"PERSIST", k}); wanted = expected.persist(k); break;
            case 10: got = kv({"PTTL", k}); wanted = expected.pttl(k); break;
            case 11:
                if (below(2000) == 0) { kv({"FLUSHALL"}); expected.flush(); }
                break;
            default: got = kv({"GET", k}); wanted = expected.get(k);
        }
        ASSERT_EQ(got, wanted) << "seed " << seed << ", step " << i << ", key " << k;
    }
    // Sweeping must leave exactly what the model holds.
    for (int i = 0; i < 100'000; ++i) { kv({"GET", "nothing" + std::to_string(i)}); }
    expected.now = kv.now;
    EXPECT_EQ(kv({"DBSIZE"}), integer(static_cast<long long>(expected.size())));
}

}  // namespace

TEST(model, one_shard_answers_like_a_map) {
    for (unsigned seed = 1; seed <= 8; ++seed) { ASSERT_NO_FATAL_FAILURE(compare(seed, 1)); }
}

TEST(model, several_shards_answer_like_one) {
    for (unsigned seed = 101; seed <= 106; ++seed) { ASSERT_NO_FATAL_FAILURE(compare(seed, 3)); }
}

}  // namespace kv::test
