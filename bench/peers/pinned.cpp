// Pinning through the library's own call.
#include "pinned.hpp"

#include "options.hpp"

#include <numasio/affinity.hpp>

#include <string>

namespace numasio::bench {

void pin(const std::vector<cpu_id>& cpus) {
    if (const auto ec = pin_this_thread(cpus)) {
        std::string names;
        for (const auto cpu : cpus) { names += " " + std::to_string(cpu.value); }
        give_up(2, "cannot pin a thread to CPU" + names + ": " + ec.message() + "; choose others with --cpus");
    }
}

}  // namespace numasio::bench
