// A command's way from the connection to its workers and back.
#include "server/session.hpp"

#include "resp/reply_text.hpp"
#include "server/front.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace kv {
namespace {

/// Reads in one step what it writes in another, where its keys are on several workers.
bool decides_by_what_is_there(const kv_request& request) noexcept {
    return request.op == kv_op::rename || (request.op == kv_op::mset && (request.flags & if_absent) != 0);
}

/// Of the keys, which are the arguments 1, 1 + distance, …
std::vector<std::uint64_t> hashes_of(const key_locks& locks, arguments args, std::size_t distance) {
    std::vector<std::uint64_t> out;
    out.reserve((args.size() - 1) / distance + 1);
    for (std::size_t i = 1; i < args.size(); i += distance) { out.push_back(locks.hash(args[i])); }
    return out;
}

}  // namespace

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
        case command::route::one:
        case command::route::some:
        case command::route::all: begin(what, args); break;
    }
}

/// Who writes looks at the lines first; readers never do (see key_locks).
void session::begin(const command& what, arguments args) {
    resp::metered charge;
    if (what.to != command::route::one) {
        constexpr std::size_t free_of_charge = 16 << 10;
        const std::size_t cost = fan_out::cost(what, args, calls_.workers());
        // SCAN's reply has nothing to do with the length of what asks for it.
        const std::size_t charged = cost > free_of_charge || what.request.op == kv_op::scan ? cost : 0;
        if (!state_.query_memory.has_room(charged)) {
            return answer("-BUSY query memory is in use, try again\r\n");
        }
        charge = resp::metered(state_.query_memory, charged);
    }
    std::unique_ptr<key_claim> claim;
    // Of one worker everything is asked in one request, which nothing can come between.
    const bool looks_first = calls_.workers() > 1 && !calls_.claims() && decides_by_what_is_there(what.request);
    if (looks_first || (!state_.locks.empty() && writes(what.request.op))) {
        const std::size_t distance = what.to == command::route::one ? args.size() : what.step;
        claim = state_.locks.take(hashes_of(state_.locks, args, distance), [self = weak_from_this(), this] {
            asio::post(socket_.get_executor(), [self] {
                if (const auto alive = self.lock()) { alive->wait_for_keys_over(); }
            });
        });
        if (!claim->granted()) {
            waiting_ = in_line{what, std::move(charge), std::move(claim)};
            return;
        }
    }
    if (what.to == command::route::one) { to_one(what); }
    else { to_many(what, args, std::move(charge), std::move(claim)); }
}

/// At the front of all lines. Since the connection may have closed meanwhile, nobody may be waiting any more.
void session::wait_for_keys_over() {
    if (!waiting_) { return; }
    auto next = std::exchange(waiting_, std::nullopt);
    if (client_.closing) { return; }  // it was not accepted
    if (next->what.to == command::route::one) { to_one(next->what); }
    else { to_many(next->what, parser_.arguments(), std::move(next->charge), std::move(next->claim)); }
    input_.consume(parser_.consumed());
    front_.has_replies(shared_from_this());
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
    if (kv_reply reply; calls_.serve_here(what.request, reply)) { return answer_at_once(what.form, std::move(reply)); }
    auto place = calls_.try_reserve(calls_.home_of(what.request.key));
    if (!place) { return answer(why_refused(place.error())); }
    pending_command owed;
    owed.form = what.form;
    owed.waiting_for = 1;
    owed.bytes = input_.hold();
    submit(queue_.push(std::move(owed)), 0, std::move(place), what.request);
}

/// A reply that nothing is before, and whose value is copied, needs no place in the queue.
void session::answer_at_once(reply_form form, kv_reply reply) {
    const auto size = size_of_reply(reply, nullptr);
    const auto cost = reply_stream::cost(size);
    if (queue_.empty() && size.held == 0 && cost <= state_.limits.reply_bytes && unsent() <= state_.limits.unsent_bytes &&
        account_.fits(cost, unsent() == 0)) {
        append_reply(form, reply, nullptr, ready_);
        return settle();
    }
    pending_command done;
    done.form = form;
    done.reply = std::move(reply);
    queue_.push(std::move(done));
    collect_replies();
}

/// Several workers: places on all lanes first, also for the steps to come, and only then the first request. Either all
/// are accepted or none.
void session::to_many(const command& what, arguments args, resp::metered charge, std::unique_ptr<key_claim> claim) {
    auto many = std::make_unique<fan_out>(what, args, calls_.workers(),
                                          [&](std::string_view key) { return calls_.home_of(key); },
                                          fan_out::moment{now_, state_.flushes}, calls_.claims());
    const auto [first, last] = many->to_send();
    std::vector<call_place> places;
    const auto reserve = [&](std::uint32_t worker, auto&& keep) {
        auto place = calls_.try_reserve(worker);
        if (place) {
            keep(std::move(place));
            return true;
        }
        later_places_.clear();
        answer(why_refused(place.error()));  // the places taken so far go back
        return false;
    };
    for (auto i = first; i < last; ++i) {
        if (!reserve(many->parts()[i].worker, [&](auto place) { places.push_back(std::move(place)); })) { return; }
    }
    for (const auto worker : many->later_workers()) {
        if (!reserve(worker, [&](auto place) { later_places_.emplace_back(worker, std::move(place)); })) { return; }
    }
    stepping_ = many->unfinished();
    if (what.request.op == kv_op::flushall && !calls_.claims()) { ++state_.flushes; }

    pending_command owed;
    owed.form = what.form;
    owed.waiting_for = static_cast<std::uint32_t>(places.size());
    owed.section = what.form == reply_form::info ? what.request.key : std::string_view{};
    owed.bytes = input_.hold();
    owed.charge = std::move(charge);
    owed.many = std::move(many);
    if (stepping_) { owed.claim = std::move(claim); }
    const auto number = queue_.push(std::move(owed));
    for (std::uint32_t i = 0; i < places.size(); ++i) {
        submit(number, i, std::move(places[i]), queue_[number].many->parts()[i].request);
    }
}

void session::submit(std::uint64_t number, std::uint32_t part, call_place place, const kv_request& request) {
    calls_.call(std::move(place), request, {shared_from_this(), number, part});
}

/// On the front's thread again. Replies come in batches; the front lets each session that got some
/// send once, when the batch is through.
void session::on_reply(std::uint64_t number, std::uint32_t part, numasio::error_code ec, kv_reply reply) {
    auto& command = queue_[number];
    if (ec) {
        command.text = why_refused(ec);
        reply.status = kv_status::lost;  // of several steps, none that can be seen follows
    }
    if (command.many) { command.many->absorb(part, std::move(reply), state_.limits.reply_bytes); }
    else { command.reply = std::move(reply); }
    --command.waiting_for;
    if (command.waiting_for == 0 && command.many && command.many->unfinished()) { next_step(number); }
    after_reply(number);
}

void session::after_reply(std::uint64_t number) {
    auto& command = queue_[number];
    // No worker looks at the arguments any more; the reply may wait for long, behind others that nobody reads.
    if (command.waiting_for == 0) { command.bytes.reset(); }
    front_.has_replies(shared_from_this());
}

/// Every worker has answered, and another step follows. Its places were taken together with those of the first one,
/// so it cannot be refused.
void session::next_step(std::uint64_t number) {
    if (must_wait_to_write(number)) { return; }
    pending_command& owed = queue_[number];
    owed.many->next_step({state_.clock.now(), state_.flushes, state_.query_memory.left()});
    if (owed.form == reply_form::scan) { owed.charge = resp::metered(state_.query_memory, owed.many->grown_bytes()); }
    const auto& parts = owed.many->parts();
    const auto [first, last] = owed.many->to_send();
    owed.waiting_for = 0;
    for (auto i = first; i < last; ++i) {
        auto place = place_for(parts[i].worker);
        if (!place) {  // SCAN's: it reserves none
            if (!owed.many->stop_here()) { owed.text = why_refused(place.error()); }
            break;
        }
        if (!parts[i].awaited) {
            calls_.call(std::move(place), parts[i].request, {});
            continue;
        }
        ++owed.waiting_for;
        submit(number, i, std::move(place), parts[i].request);
    }
    if (owed.many->unfinished()) { return; }
    later_places_.clear();
    stepping_ = false;
    owed.claim.reset();  // who writes now is behind us on every lane
}

call_place session::place_for(std::uint32_t worker) {
    const auto kept = std::ranges::find(later_places_, worker, [](const auto& p) { return p.first; });
    const bool is_kept = kept != later_places_.end();
    call_place place = is_kept ? std::move(kept->second) : calls_.try_reserve(worker);
    if (is_kept) { later_places_.erase(kept); }
    return place;
}

/// An MSET holds no keys while it is staged, because it looks at none; but it may not write between another command's
/// look and its write. RENAME and MSETNX have had their claim from the beginning.
bool session::must_wait_to_write(std::uint64_t number) {
    pending_command& owed = queue_[number];
    if (owed.claim || state_.locks.empty() || !owed.many->writes_next()) { return false; }
    const auto hashes = hashes_of(state_.locks, owed.many->all_arguments(), owed.many->distance());
    owed.claim = state_.locks.take(hashes, [self = shared_from_this(), number] {
        asio::post(self->socket_.get_executor(), [self, number] {
            self->next_step(number);
            self->after_reply(number);
        });
    });
    if (owed.claim->granted()) { return false; }
    owed.waiting_for = 1;  // for its turn
    return true;
}

}  // namespace kv
