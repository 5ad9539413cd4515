// A plugin with a numasio of its own inside: what it serves is its name.
#include <numasio/bridge.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <optional>

namespace {

struct request {
    std::array<char, 64 * PLUGIN> bytes{};  // lanes of another type in each plugin
};
struct named {
    explicit named(numasio::node_context&) {}
    int operator()(const request&) const { return PLUGIN; }
};

boost::asio::io_context io;
std::optional<numasio::bridge> bridge;
numasio::port<request, int>* port = nullptr;

}  // namespace

extern "C" void begin() {
    numasio::plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.workers_per_node = 1;
    pool.memory.per_worker = {1 << 20};
    bridge.emplace(io, asked);
    port = &bridge->open<request, int, named>("p");
    bridge->start();
}
extern "C" int call() {
    int answer = -1;
    port->async_call({0}, request{}, [&](numasio::error_code ec, int x) { answer = ec ? -2 : x; });
    io.restart();
    io.run();
    return answer;
}
extern "C" void end() {
    bridge->stop(std::chrono::seconds(1));
    bridge.reset();
}
