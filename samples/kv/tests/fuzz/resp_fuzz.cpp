// Any bytes, cut at any places: the parser gives the same commands, within its bounds, as from one piece.
#include "resp/input_buffer.hpp"
#include "resp/request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using kv::resp::request_parser;

struct parsed {
    std::vector<std::vector<std::string>> commands;
    std::string error;
    bool operator==(const parsed&) const = default;
};

/// As a session does it: through an input_buffer, with the views of earlier commands held.
parsed run(std::string_view bytes, std::size_t piece) {
    kv::resp::memory_meter meter;
    kv::resp::input_buffer input(meter);
    request_parser parser;
    parsed out;
    std::vector<std::shared_ptr<const void>> held;
    std::vector<std::vector<std::string_view>> views;
    while (!bytes.empty()) {
        const auto room = input.room();
        const auto n = std::min({room.size(), bytes.size(), piece});
        std::memcpy(room.data(), bytes.data(), n);
        input.received(n);
        bytes.remove_prefix(n);
        for (;;) {
            const auto outcome = parser.parse(input.unread());
            if (outcome == request_parser::outcome::broken) {
                out.error = parser.error();
                bytes = {};
                break;
            }
            if (outcome == request_parser::outcome::need_more) { break; }
            if (parser.consumed() > input.unread().size()) { std::abort(); }
            views.push_back(parser.arguments());
            held.push_back(input.hold());
            input.consume(parser.consumed());
        }
    }
    for (const auto& command : views) { out.commands.emplace_back(command.begin(), command.end()); }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const std::size_t piece = 1 + data[0] % 61;
    const parsed whole = run(bytes, std::string_view::npos);
    if (!(run(bytes, piece) == whole)) { std::abort(); }
    return 0;
}
