// Reads --name VALUE and --name=VALUE.
#include "options.hpp"

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace limits {
namespace {

constexpr std::uint32_t most_threads = 16;  // embed.yaml has as many producers

std::uint32_t number(std::string_view option, std::string_view text, std::uint32_t least, std::uint32_t most) {
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out < least || out > most) {
        throw std::runtime_error(std::string(option) + " needs a number from " + std::to_string(least) + " to " +
                                 std::to_string(most) + ", not \"" + std::string(text) + "\"");
    }
    return out;
}

}  // namespace

std::string usage(const options& read) {
    return "options:\n"
           "  --port N      listen on 127.0.0.1:N (8080); 0: the system chooses\n"
           "  --threads N   threads that run the io_context, 1 to " + std::to_string(most_threads) + " (2)\n" +
           (read.plan.empty() ? "" : "  --plan FILE   the plan (" + read.plan + ")\n") + "  --help\n";
}

options read_options(int argc, char** argv, const std::string& plan) {
    options out;
    out.plan = plan;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto equals = word.find('=');
        const auto option = word.substr(0, equals);
        const auto value = [&]() -> std::string_view {
            if (equals != word.npos) { return word.substr(equals + 1); }
            if (i + 1 == argc) { throw std::runtime_error(std::string(option) + " needs a value\n" + usage(out)); }
            return argv[++i];
        };
        if (option == "--port") { out.port = static_cast<std::uint16_t>(number(option, value(), 0, 65535)); }
        else if (option == "--threads") { out.threads = number(option, value(), 1, most_threads); }
        else if (option == "--plan" && !plan.empty()) { out.plan = value(); }
        else if (word == "--help" || word == "-h") { out.help = true; }
        else { throw std::runtime_error("unknown option \"" + std::string(word) + "\"\n" + usage(out)); }
    }
    return out;
}

}  // namespace limits
