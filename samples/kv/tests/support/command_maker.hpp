// Makes commands from a seed: valid ones, wrong ones, odd ones.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace kv::test {

/// What may differ between two servers in a reply.
enum class tolerance { exact, seconds, milliseconds, order };

struct made_command {
    std::vector<std::string> words;
    tolerance allowed = tolerance::exact;
};

class command_maker {
public:
    explicit command_maker(unsigned seed) : random_(seed) {}
    made_command next();
    /// As an array, or now and then as an inline command where its words allow that.
    std::string encode(const std::vector<std::string>& words);
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

private:
    std::string key();
    std::string value();
    std::string number();
    std::string expiry();
    std::string any_case(std::string word);
    made_command plain(std::string name, std::vector<std::string> rest, tolerance allowed = tolerance::exact);
    made_command set();
    made_command expire();
    made_command getex();
    made_command which();
    std::string pattern();
    made_command wrong();

    std::mt19937 random_;
    int times_ = 0;  ///< each deadline is far from every other: comparisons must not depend on milliseconds
};

}  // namespace kv::test
