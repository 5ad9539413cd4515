// Where the server may listen, and the words where it cannot.
#include <control_plane/http/listen_address.hpp>

#include <boost/asio/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace numasio::detail {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const char* address) {
    try {
        loopback_endpoint({"http", address, 9464});
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST(listen_address, is_the_loopback_only) {
    EXPECT_EQ(loopback_endpoint({"http", "127.0.0.1", 9464}).port(), 9464);
    EXPECT_TRUE(loopback_endpoint({"http", "::1", 0}).address().is_v6());
    for (const char* address : {"0.0.0.0", "::", "192.168.1.1", "::ffff:127.0.0.1"}) {
        const auto text = refusal_of(address);
        EXPECT_THAT(text, HasSubstr("listeners.http: " + std::string(address)));
        EXPECT_THAT(text, HasSubstr("use 127.0.0.1 or ::1"));
    }
}

TEST(listen_address, must_be_numeric) {
    for (const char* address : {"localhost", "", "127.0.0.1:80"}) {
        EXPECT_THAT(refusal_of(address), HasSubstr("is not a numeric address")) << address;
    }
}

TEST(listen_address, errors_name_address_port_key_and_remedy) {
    const auto text = std::string(cannot_listen({"http", "::1", 9464}, boost::asio::error::address_in_use).what());
    EXPECT_THAT(text, HasSubstr("[::1]:9464"));
    EXPECT_THAT(text, HasSubstr("listeners.http"));
    EXPECT_THAT(text, HasSubstr("ss -ltnp 'sport = :9464'"));
    EXPECT_THAT(text, HasSubstr("Address already in use"));
    EXPECT_THAT(cannot_listen({"http", "127.0.0.1", 80}, boost::asio::error::access_denied).what(),
                HasSubstr("choose a port from 1024 on"));
}

}  // namespace
}  // namespace numasio::detail
