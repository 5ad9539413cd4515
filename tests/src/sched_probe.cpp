// A small real program that asks for CPUs and for real-time priority and prints what came of it; run under strace.
#include <numasio/affinity.hpp>
#include <numasio/scoped_pin.hpp>

#include <iostream>

namespace {

void say(const char* step, numasio::error_code ec) {
    std::cout << step << '=';
    if (ec) {
        std::cout << ec.category().name() << ':' << ec.value() << '\n' << step << "_says=" << ec.message() << '\n';
    } else {
        std::cout << "ok\n";
    }
}

}  // namespace

int main() {
    using namespace numasio;
    const std::vector<cpu_id> first{current_cpu().value_or(cpu_id{0})};
    say("pin", pin_this_thread(first));
    {
        const scoped_pin pin(first);
        std::cout << "scoped=" << (pin.result() ? "ok" : pin.result().partial() ? "partial" : "nothing") << '\n';
    }
    say("fifo", set_this_thread_fifo(1));
    std::cout << "fifo_read=" << this_thread_fifo().value_or(0) << '\n';
    say("ordinary", set_this_thread_ordinary());
    say("fifo_0", set_this_thread_fifo(0));
    say("fifo_100", set_this_thread_fifo(100));
    return 0;
}
