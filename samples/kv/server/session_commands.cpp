// A command's way from the connection to its workers and back: the hybrid pattern in one file.
#include "server/session.hpp"

#include "resp/reply_text.hpp"
#include "server/server.hpp"

#include <algorithm>

namespace kv {

void session::execute(arguments args) {
    // Where nothing is owed, an answer that needs no worker goes straight to the stream.
    const bool direct = queue_.empty();
    std::string local;
    const std::size_t room = std::min(account_.room(), state_.limits.reply_bytes);
    const command what = read_command(args, now_, client_, state_, direct ? ready_.text() : local, room);
    switch (what.to) {
        case command::route::answered:
            if (!local.empty()) { enqueue(std::move(local)); }
            settle();
            break;
        case command::route::one: to_one(what); break;
        case command::route::some:
        case command::route::all: to_many(what, args); break;
    }
}

void session::answer(std::string_view text) {
    if (queue_.empty()) { ready_.text().append(text); }
    else { enqueue(std::string(text)); }
    settle();
}

/// Behind commands that wait for their workers.
void session::enqueue(std::string text) {
    pending_command waiting;
    waiting.counted = text.size();
    waiting.text = std::move(text);
    queued_text_ += waiting.counted;
    queue_.push(std::move(waiting));
}

std::string_view session::why_refused(const numasio::error_code& ec) {
    if (ec == numasio::errc::lane_full) {
        ++state_.busy;
        return "-BUSY lane full, try again\r\n";
    }
    return ec == numasio::errc::stopped ? "-ERR the server is stopping\r\n" : "-ERR the worker failed\r\n";
}

/// One key: one place on one lane. No place means an answer now: nothing waits, nothing grows.
void session::to_one(const command& what) {
    auto place = port_.try_reserve(port_.home_of(what.request.key));
    if (!place) { return answer(why_refused(place.error())); }
    if (what.request.op == kv_op::set || what.request.op == kv_op::expire) {
        state_.may_expire = state_.may_expire || what.request.number != 0;
    }
    pending_command owed;
    owed.form = what.form;
    owed.waiting_for = 1;
    owed.bytes = input_.hold();
    submit(queue_.push(std::move(owed)), 0, std::move(place), what.request);
}

/// Several workers: places on all lanes first, and only then the first request. Either all are accepted or none.
void session::to_many(const command& what, arguments args) {
    constexpr std::size_t free_of_charge = 16 << 10;
    const std::size_t cost = fan_out::cost(what, args);
    const std::size_t charged = cost > free_of_charge ? cost : 0;
    if (!state_.query_memory.has_room(charged)) {
        return answer("-BUSY query memory is in use, try again\r\n");
    }
    auto many = std::make_unique<fan_out>(what, args, port_.workers(),
                                          [&](std::string_view key) { return port_.home_of(key).worker; });
    std::vector<kv_port::reservation> places;
    const std::size_t steps = many->staging() ? 2 : 1;
    for (std::size_t i = 0; i < many->parts().size() * steps; ++i) {
        auto place = port_.try_reserve(port_.at(many->parts()[i / steps].worker));
        if (!place) {
            commit_places_.clear();
            return answer(why_refused(place.error()));  // the places taken so far go back
        }
        (i % steps == 0 ? places : commit_places_).push_back(std::move(place));
    }
    staging_ = many->staging();
    if (what.request.op == kv_op::flushall) { state_.may_expire = true; }

    pending_command owed;
    owed.form = what.form;
    owed.waiting_for = static_cast<std::uint32_t>(places.size());
    owed.section = what.form == reply_form::info ? what.request.key : std::string_view{};
    owed.bytes = input_.hold();
    owed.charge = resp::metered(state_.query_memory, charged);
    owed.many = std::move(many);
    const auto number = queue_.push(std::move(owed));
    for (std::uint32_t i = 0; i < places.size(); ++i) {
        submit(number, i, std::move(places[i]), queue_[number].many->parts()[i].request);
    }
}

void session::submit(std::uint64_t number, std::uint32_t part, kv_port::reservation place,
                     const kv_request& request) {
    // The handler holds the session, and through it the bytes that the request's views point into.
    port_.async_call(std::move(place), request,
                     [self = shared_from_this(), number, part](numasio::error_code ec, kv_reply reply) {
                         self->on_reply(number, part, ec, std::move(reply));
                     });
}

/// On the control plane's thread again. Replies come in batches; the server lets each session that got some
/// send once, when the batch is through.
void session::on_reply(std::uint64_t number, std::uint32_t part, numasio::error_code ec, kv_reply reply) {
    auto& command = queue_[number];
    if (ec) { command.text = why_refused(ec); }
    if (command.many) { command.many->absorb(part, std::move(reply), state_.limits.reply_bytes); }
    else { command.reply = std::move(reply); }
    --command.waiting_for;
    if (command.waiting_for == 0 && command.many && command.many->staging()) { finish_stage(number); }
    // No worker looks at the arguments any more; the reply may wait for long, behind others that nobody reads.
    if (command.waiting_for == 0) { command.bytes.reset(); }
    server_.has_replies(shared_from_this());
}

/// Every worker has staged its part of an MSET, or one could not. The places for this second step were taken
/// together with those for the first, so it cannot be refused.
void session::finish_stage(std::uint64_t number) {
    auto& parts = queue_[number].many->parts();
    queue_[number].many->resolve_stage();
    queue_[number].waiting_for = static_cast<std::uint32_t>(parts.size());
    auto places = std::exchange(commit_places_, {});
    for (std::uint32_t i = 0; i < parts.size(); ++i) { submit(number, i, std::move(places[i]), parts[i].request); }
    staging_ = false;
}

}  // namespace kv
