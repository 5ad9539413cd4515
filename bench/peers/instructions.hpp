// Instructions of a piece of work, counted by callgrind: repeatable where times are not. A program runs itself under valgrind, once for each case.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#ifdef NUMASIO_HAS_CALLGRIND
#include <valgrind/callgrind.h>
#endif

namespace numasio::bench {

struct counted {
    std::string name;
    std::function<void(int count)> run;  // warms up, then does it `count` times between start_counting() and stop_counting()
};

/// All threads of the process.
inline void start_counting() {
#ifdef NUMASIO_HAS_CALLGRIND
    CALLGRIND_START_INSTRUMENTATION;
#endif
}
inline void stop_counting() {
#ifdef NUMASIO_HAS_CALLGRIND
    CALLGRIND_STOP_INSTRUMENTATION;
#endif
}

/// main() of such a program: prints a table under `title`. Returns the exit status.
int count_instructions(int argc, char** argv, std::string_view about, std::string_view title, const std::vector<counted>& cases);

}  // namespace numasio::bench
