// Makes readable_sets that ask for io_uring, one of them on a reactor worker, and one that does not; prints what they got and whether they hear; run under strace.
#include <numasio/reactor_pool.hpp>
#include <numasio/readable_set.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <iostream>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace numasio;

const char* name_of(poll_backend which) { return which == poll_backend::io_uring ? "io_uring" : "epoll"; }

}  // namespace

int main() {
    asio::io_context io;
    asio::local::stream_protocol::socket ours(io), theirs(io);
    asio::local::connect_pair(ours, theirs);
    bool heard = false;
    readable_set set(io.get_executor(), [&](std::uint64_t, bool) { heard = true; }, poll_backend::io_uring);
    if (set.add(ours.native_handle(), 1)) { return 1; }
    asio::write(theirs, asio::buffer("x", 1));
    io.run_for(std::chrono::milliseconds(200));
    set.remove(ours.native_handle());

    // Its poll ends with the thread, and is begun anew.
    heard = false;
    std::thread([&] {
        if (set.add(ours.native_handle(), 1)) { std::cout << "refused\n"; }
    }).join();
    io.restart();
    io.run_for(std::chrono::milliseconds(50));
    const bool at_first = std::exchange(heard, false);
    asio::write(theirs, asio::buffer("y", 1));
    io.restart();
    io.run_for(std::chrono::milliseconds(200));
    const bool again = std::exchange(heard, false);
    asio::write(theirs, asio::buffer("z", 1));
    io.restart();
    io.run_for(std::chrono::milliseconds(200));
    const bool later = heard;
    set.remove(ours.native_handle());
    const readable_set unasked(io.get_executor(), {});

    const auto machine = discover_topology();
    const auto node = machine.executor_nodes().front();
    pool_plan asked;
    asked.name = "io";
    reactor_pool pool(asked, machine, {{"io", 0, machine.allowed_cpus(node).front(), node, machine.nearest_memory(node).value()}});
    const auto at = pool.on(0);
    const auto there = asio::post(at, asio::use_future([&] { return readable_set(at, {}, poll_backend::io_uring).backend(); })).get();
    std::cout << "from_a_thread=" << at_first << again << later << '\n';
    std::cout << "asked=" << name_of(set.backend()) << "\nheard=" << heard << "\nworker=" << name_of(there) << "\nunasked=" << name_of(unasked.backend()) << '\n';
}
