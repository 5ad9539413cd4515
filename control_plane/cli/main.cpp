// numasioctl: shows the machine, its devices and what is allowed on it; audits memory, measures it, explains plans.
#include <control_plane/cli/commands.hpp>

#include <boost/system/system_error.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace {

using namespace numasio::cli;

constexpr const char* about =
    "numasioctl: what a machine with NUMA nodes looks like, what is allowed on it,\n"
    "where memory is, what it costs, and what a numasio plan would do there.\n";

constexpr const char* main_footer = R"(EXIT STATUS
  0  done, and the answer is good
  1  could not be done; stderr says where, why and what helps
  2  the command line was not understood
  3  done, and the answer is no: the plan has problems, something that
     placement stands on is refused, nothing could be measured

MACHINE
  live            this machine (default)
  FILE.xml        another one, written by lstopo or numasioctl topology --xml
  synthetic:DESC  hwloc's description, as "synthetic:numa:2 core:4 pu:2"
  simulated:N     this machine's CPUs split into N pretend nodes

EXAMPLES
  numasioctl topology                      the machine as a picture
  numasioctl topology --xml > here.xml     take it along ...
  numasioctl plan explain kv.yaml -t here.xml   ... and plan for it elsewhere
  numasioctl probe || echo "not in this container"
  numasioctl audit $(pidof numasio-kv)     is its memory where it should be?

Output with --json is one document on one line; what was not measured or is not
known is null there, never a number that looks good.
)";

/// What is wrong with the command line, in words of ours where CLI11 only misses something.
std::string complaint(const CLI::App& program, const CLI::ParseError& e, int argc, char** argv) {
    const CLI::App* deepest = &program;
    while (!deepest->get_subcommands().empty()) { deepest = deepest->get_subcommands().front(); }
    const auto known = deepest->get_subcommands([](const CLI::App*) { return true; });
    if (known.empty() || dynamic_cast<const CLI::RequiredError*>(&e) == nullptr) { return e.what(); }
    std::string names;
    for (const auto* one : known) { names += (names.empty() ? "" : one == known.back() ? " or " : ", ") + one->get_name(); }
    // The word after the last one that was understood.
    int at = 1;
    if (deepest != &program) {
        while (at < argc && argv[at] != deepest->get_name()) { ++at; }
        ++at;
    }
    const std::string got = at < argc ? "\"" + std::string(argv[at]) + "\" is no command" : "a command is missing";
    return (deepest == &program ? "" : deepest->get_name() + ": ") + got + "; expected " + names;
}

/// Without Boost's "[system:3]" at the end.
std::string plain(const boost::system::system_error& e) {
    const std::string text = e.what();
    const auto bracket = text.rfind(" [");
    return bracket != std::string::npos && text.back() == ']' ? text.substr(0, bracket) : text;
}

int run(int argc, char** argv) {
    CLI::App program(about, "numasioctl");
    program.set_version_flag("-V,--version", "numasioctl " NUMASIO_VERSION, "Print the version and end");
    program.set_help_flag("-h,--help", "Print this help and end");
    program.footer(main_footer);
    program.get_formatter()->column_width(26);
    program.require_subcommand(1);
    exit_code ended = done;
    add_topology(program, ended);
    add_devices(program, ended);
    add_audit(program, ended);
    add_probe(program, ended);
    add_latency(program, ended);
    add_plan(program, ended);
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& e) {  // --help, --version
        return program.exit(e);
    } catch (const CLI::ParseError& e) {
        std::cerr << "numasioctl: " << complaint(program, e, argc, argv) << "\n(numasioctl --help, numasioctl COMMAND --help)\n";
        return misused;
    }
    std::cout.flush();
    if (!std::cout) { throw failure("cannot write to standard output; is the disk full, or the reader gone?"); }
    return ended;
}

}  // namespace

int main(int argc, char** argv) {
    // hwloc groups nodes by their distances, which nobody here asks for, and complains at length where they form no groups.
    ::setenv("HWLOC_GROUPING", "0", 0);
    try {
        return run(argc, argv);
    } catch (const boost::system::system_error& e) {
        std::cout.flush();
        std::cerr << "numasioctl: " << plain(e) << '\n';
        return failed;
    } catch (const std::exception& e) {
        std::cout.flush();
        std::cerr << "numasioctl: " << e.what() << '\n';
        return failed;
    }
}
