// A blocking connection for tests, and a reader that cuts RESP into single replies.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kv::test {

/// "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
std::string resp(const std::vector<std::string>& words);

/// Throws std::runtime_error where nothing arrives for 20 s.
class wire {
public:
    /// `kernel_bytes`: what the kernel may keep for us unread; 0: its default, which is megabytes.
    explicit wire(std::uint16_t port, int kernel_bytes = 0);
    ~wire();
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;

    void send(std::string_view bytes);
    /// Sends in the pieces that end at `borders`, each as a packet of its own.
    void send_in_pieces(std::string_view bytes, const std::vector<std::size_t>& borders);
    /// False where the kernel takes nothing more (what was taken is sent).
    bool try_send(std::string_view bytes);
    void no_more();     ///< half-closes: the server sees the end, we still read
    void reset();       ///< closes with a reset

    /// One reply as it was on the wire; "" at the end of the stream.
    std::string read_reply();
    /// `count` replies.
    std::vector<std::string> read_replies(std::size_t count);
    /// Everything up to the end of the stream.
    std::string read_all();
    /// Everything that arrives until `quiet` has passed without a byte; "<end>" is appended at the end of the stream.
    std::string read_until_quiet(std::chrono::milliseconds quiet);
    std::string call(const std::vector<std::string>& words) {
        send(resp(words));
        return read_reply();
    }
    /// A line of INFO as a number; -1 where there is none.
    long long info(const std::string& field);
    /// Asks until INFO's figure is within these; false after 20 s.
    bool wait_for_info(const std::string& field, long long low, long long high);
    bool wait_for_info(const std::string& field, long long value) { return wait_for_info(field, value, value); }
    bool ended() const noexcept { return ended_; }

private:
    bool fill(int timeout_ms);
    bool have(std::size_t bytes);
    std::size_t reply_end(std::size_t from);
    std::size_t line_end(std::size_t from);

    int socket_ = -1;
    std::string buffer_;
    bool ended_ = false;
};

}  // namespace kv::test
