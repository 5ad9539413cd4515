// Seeded requests, most of them good, some wrong in every way that the service has an answer for.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace embed::test {

/// What one connection sends. The last request is its last by "Connection: close", or by being none.
struct conversation {
    std::vector<std::string> pieces;  ///< in this order, each as a packet of its own
    std::size_t requests = 0;
};

/// Talks only of `symbols`, so that conversations about different ones may run side by side.
class request_maker {
public:
    request_maker(unsigned seed, std::vector<std::string> symbols) : random_(seed), symbols_(std::move(symbols)) {}
    conversation next();

private:
    int number(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
    template <class T>
    const T& one_of(const std::vector<T>& from) {
        return from[static_cast<std::size_t>(number(0, static_cast<int>(from.size()) - 1))];
    }
    std::string good();
    std::string wrong();
    std::string last();

    std::mt19937 random_;
    std::vector<std::string> symbols_;
};

/// NUMASIO_SEED of the environment, or 1.
unsigned seed();

}  // namespace embed::test
