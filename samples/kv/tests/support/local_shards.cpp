// The session's way of dealing with a command, without its asynchrony.
#include "support/local_shards.hpp"

#include "resp/reply_text.hpp"

#include <numasio/hash.hpp>

#include <utility>

namespace kv::test {

local_shard::local_shard(std::size_t bytes)
    : bytes_(bytes), memory_(bytes_),
      context_({}, {}, 0, 1, memory_, numasio::bytes{bytes}), shard_(context_) {}

local_shards::local_shards(std::uint32_t shards, std::size_t bytes_each) {
    for (std::uint32_t i = 0; i < shards; ++i) { shards_.push_back(std::make_unique<local_shard>(bytes_each)); }
    server.workers = shards;
    fill_config(server);
}

std::string local_shards::operator()(const std::vector<std::string>& words) {
    const std::vector<std::string_view> args(words.begin(), words.end());
    const auto home = [&](std::string_view key) {
        return static_cast<std::uint32_t>(numasio::hash_key(key) % shards_.size());
    };
    reply_stream out;
    const command what = read_command(args, now, client, server, out.text());
    if (what.to == command::route::one) {
        auto reply = call(home(what.request.key), what.request);
        append_reply(what.form, reply, nullptr, out);
    } else if (what.to != command::route::answered) {
        if (what.request.op == kv_op::flushall) { ++server.flushes; }
        fan_out many(what, args, static_cast<std::uint32_t>(shards_.size()), home, {now, server.flushes});
        const auto all = [&] {
            for (std::size_t i = 0; i < many.parts().size(); ++i) {
                many.absorb(i, call(many.parts()[i].worker, many.parts()[i].request));
            }
        };
        all();
        while (many.unfinished()) {
            if (auto meanwhile = std::exchange(between_steps, nullptr)) { meanwhile(); }
            many.next_step({now, server.flushes});
            all();
        }
        kv_reply unused;
        if (what.form == reply_form::info) { resp::append_bulk(out.text(), info_text(server, server.figures(), many.total(), what.request.key)); }
        else { append_reply(what.form, unused, &many, out); }
    }
    std::vector<boost::asio::const_buffer> buffers;
    out.gather(buffers);
    std::string text;
    for (const auto& b : buffers) { text.append(static_cast<const char*>(b.data()), b.size()); }
    return text;
}

std::string bulk(std::string_view value) {
    return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}

}  // namespace kv::test
