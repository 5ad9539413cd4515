// One connection: reads commands, hands them to their workers, writes replies in the order of commands.
#pragma once

#include "resp/input_buffer.hpp"
#include "resp/request_parser.hpp"
#include "server/reply_account.hpp"
#include "server/reply_queue.hpp"
#include "server/server_state.hpp"
#include "server/shard_calls.hpp"
#include "shard/messages.hpp"

#include <numasio/reactor_connection.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kv {

namespace asio = boost::asio;
class front;

/// Runs on one thread, that of its front, so it has no locks. It never waits for a worker: a command is
/// handed over with shard_calls::call() and the next one is read; the reply comes back to this thread.
///
///   socket ─▶ input_buffer ─▶ request_parser ─▶ read_command ─▶ shard_calls ─▶ worker
///   socket ◀─ reply_stream ◀─ reply_queue ◀──────── on_reply ◀────────────────────┘
///
/// Bounds: it stops reading at limits.in_flight commands or limits.unsent_bytes of replies; TCP then slows
/// the client down. Replies are made one by one as their turn comes, and only while they fit into the memory for
/// replies. Lifetime: shared by the front and by its own handlers; the last one destroys it.
class session final : public reply_taker, public std::enable_shared_from_this<session> {
public:
    session(asio::ip::tcp::socket socket, front& owner, std::uint64_t id, numasio::open_connection counted);

    void start();
    /// No further command is read; what is in flight is answered, then the connection closes.
    void finish();
    /// Sends what is ready and reads on, once for each batch of replies.
    void advance();
    /// There may be something to read; `all`: a read that gives little has not read all.
    void on_readable(bool all);
    /// At the deadline of a stop.
    void abort();

    void on_reply(std::uint64_t number, std::uint32_t part, numasio::error_code ec, kv_reply reply) override;

    std::uint64_t id() const noexcept { return client_.id; }
    /// Commands that were accepted and whose reply is not on the wire.
    std::size_t unanswered() const noexcept { return queue_.size() + (writing_ || !ready_.empty() ? 1 : 0); }

private:
    // Reading.
    void await_input();
    void receive();
    void read_commands();
    bool charge_parser();
    bool overloaded() const noexcept;
    std::size_t unsent() const noexcept { return ready_.bytes() + sending_.bytes(); }
    void refuse(std::string_view text);

    // Commands.
    void execute(arguments args);
    void answer(std::string_view text);
    void enqueue(std::string text);
    void begin(const command& what, arguments args);
    void wait_for_keys_over();
    void to_one(const command& what);
    void answer_at_once(reply_form form, kv_reply reply);
    void to_many(const command& what, arguments args, resp::metered charge, std::unique_ptr<key_claim> claim);
    void submit(std::uint64_t number, std::uint32_t part, call_place place, const kv_request& request);
    void next_step(std::uint64_t number);
    call_place place_for(std::uint32_t worker);
    bool must_wait_to_write(std::uint64_t number);
    void after_reply(std::uint64_t number);
    std::string_view why_refused(const numasio::error_code& ec);

    // Writing.
    void collect_replies();
    void settle() noexcept { account_.set(ready_.cost() + sending_.cost() + queued_text_); }
    bool write();
    void sent(reply_stream& what, boost::system::error_code ec);
    void close_if_done();
    void close();

    asio::ip::tcp::socket socket_;
    numasio::open_connection counted_;  ///< in its worker's load, where it lives on one
    front& front_;
    server_state& state_;
    shard_calls& calls_;
    client_state client_;
    resp::input_buffer input_;
    resp::request_parser parser_;
    resp::metered parser_charge_;
    reply_queue queue_;
    reply_stream ready_;    ///< to be written next
    reply_stream sending_;  ///< being written
    std::vector<asio::const_buffer> buffers_;
    std::size_t queued_text_ = 0;  ///< bytes of the answers in queue_
    reply_account account_;        ///< of ready_, sending_ and these
    std::vector<std::pair<std::uint32_t, call_place>> later_places_;  ///< of a command in several steps, for those to come
    /// A command that was read and stands in line for its keys. Nothing is received meanwhile, so its arguments stay.
    struct in_line {
        command what;
        resp::metered charge;
        std::unique_ptr<key_claim> claim;
    };
    std::optional<in_line> waiting_;
    std::int64_t now_ = 0;
    bool reading_ = false;
    bool watched_ = false;   ///< by the front's readable_set
    bool has_more_ = false;  ///< there may be something in the socket
    bool read_all_ = false;  ///< until there is nothing: an end, or urgent data, is in the socket
    bool writing_ = false;
    bool stepping_ = false;  ///< later commands wait until the one before them, of several steps, is settled
    bool closed_ = false;
};

}  // namespace kv
