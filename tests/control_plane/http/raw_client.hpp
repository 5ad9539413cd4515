// A blocking TCP client that sends whatever bytes it is told and reads with a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace numasio::test {

class raw_client {
public:
    /// Connects to 127.0.0.1:port; where that is refused, the test fails if it `must`.
    explicit raw_client(std::uint16_t port, std::chrono::milliseconds read_limit = std::chrono::seconds(5),
                        bool must = true);
    ~raw_client();
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;

    /// False where the other side has closed.
    bool send(std::string_view bytes);
    void finish_sending();

    /// One reply: header, and a body of Content-Length bytes (none after HEAD).
    /// Empty where the connection ended or the limit passed before the header was whole.
    std::string read_reply(bool head = false);
    /// Everything until the other side closes; absent where it did not within the limit.
    std::optional<std::string> read_to_end();

private:
    bool read_some();

    int socket_ = -1;
    bool ended_ = false;
    std::string pending_;
};

unsigned status_of(std::string_view reply);
std::string body_of(const std::string& reply);
/// "GET PATH HTTP/1.1" with Host: localhost.
std::string get(std::string_view path, std::string_view more_fields = "");

}  // namespace numasio::test
