// A small real program that asks for CPUs and for real-time priority and prints what came of it; run under strace.
#include "src/thread_keeper.hpp"

#include <numasio/affinity.hpp>
#include <numasio/scoped_pin.hpp>

#include <iostream>
#include <utility>
#include <vector>

namespace {

void say(const char* step, numasio::error_code ec) {
    std::cout << step << '=';
    if (ec) {
        std::cout << ec.category().name() << ':' << ec.value() << '\n' << step << "_says=" << ec.message() << '\n';
    } else {
        std::cout << "ok\n";
    }
}

/// Looks after this thread, which was never pinned, as after a worker whose CPU was taken away; three times.
void keep(const std::vector<numasio::cpu_id>& home) {
    using namespace numasio;
    placement settled;
    settled.outcome = placement_outcome::honoured;
    settled.asked = settled.got = "home";
    thread_keeper keeper(platform::this_thread(), home, {home}, settled, settled);
    int changes = 0;
    placement last;
    for (int look = 0; look < 3; ++look) {
        auto found = keeper.look();
        if (!found.changed) { continue; }
        ++changes;
        last = std::move(*found.changed);
    }
    std::cout << "kept_changes=" << changes << "\nkept=" << to_string(last.outcome) << "\nkept_why=" << last.why << '\n';
    say("kept_error", last.error);
}

}  // namespace

int main() {
    using namespace numasio;
    keep({current_cpu().value_or(cpu_id{0})});
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
